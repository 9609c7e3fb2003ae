"""Hand the metadata of settings.ini to setuptools."""
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

cfg = ConfigParser(delimiters=['='], interpolation=None)
cfg.read(Path(__file__).parent/'settings.ini', encoding='utf-8')
cfg = cfg['DEFAULT']
extras = {k: cfg[f'{k}_requirements'].split()
          for k in ('encoders', 'anticipation', 'cluster', 'formats', 'hub', 'trackers', 'dev')}
extras['dev'] += extras['anticipation'] + extras['cluster'] + extras['formats'] + extras['hub']

setup(name=cfg['lib_name'], version=cfg['version'], keywords=cfg['keywords'],
      author=cfg['author'], author_email=cfg['author_email'], license=cfg['license'],
      long_description=Path('README.md').read_text(encoding='utf-8'), long_description_content_type='text/markdown',
      python_requires=f">={cfg['min_python']},<{cfg['max_python']}",
      packages=find_packages(include=[cfg['lib_name'], f"{cfg['lib_name']}.*"]),
      package_data={cfg['lib_name']: ['**/*.j2', '**/*.html', '**/*.css', '**/*.js', '**/*.json']},
      install_requires=cfg['requirements'].split(), extras_require=extras,
      entry_points={'console_scripts': cfg['console_scripts'].split(),
                    'nbdev': [f"{cfg['lib_name']} = {cfg['lib_name']}._modidx:d"]}) # where nbdev links names to
