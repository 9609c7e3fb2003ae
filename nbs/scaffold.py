"What the tests of several notebooks share: a folder, commands, and small videos whose frames can be told apart."
import re, shutil, subprocess, sys, tempfile, warnings
from fractions import Fraction
from multiprocessing.util import Finalize
from pathlib import Path
import av
import numpy as np
from fastcore.test import test_eq


def temp_folder():
    "A new folder, which is removed when the process ends."
    path = Path(tempfile.mkdtemp())
    Finalize(None, shutil.rmtree, [path], dict(ignore_errors=True), exitpriority=0) # also in a process of a pool
    return path


def warned(f):
    "What `f` returns, and the texts of the warnings about old names that it raises."
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        answer = f()
    messages = [str(w.message) for w in said if w.category is DeprecationWarning]
    return answer, [m for m in messages if 'is now called' in m]


def call(*args):
    "Run a command of `epic-actions` in this process."
    from typer.testing import CliRunner
    from epic_actions.cli.app import app
    return CliRunner().invoke(app, [str(a) for a in args])


def refused(*args, contains):
    "Test that a command ends with exit code 2 and a message that contains `contains`."
    r = call(*args)
    test_eq(r.exit_code, 2)
    assert contains in r.output, r.output


def shell(command, folder, hide=()):
    "Run a command in `folder` as in a terminal, and print what it says, without progress bars and the paths in `hide`."
    code = 'from epic_actions.cli.main import app; app()'
    r = subprocess.run([sys.executable, '-c', code, *command.split()[1:]], cwd=folder, capture_output=True, text=True)
    assert r.returncode == 0, r.stderr[-2000:]
    text = re.sub(r'█?\s*\|[█-]*\|[^\]]*\]', '', r.stdout)
    for path in (folder, *hide): text = text.replace(f'{path}/', '')
    print('\n'.join(l for l in re.split('[\r\n]', text)
                    if l.strip('█ ') and not re.search(r'^█?Epoch|^epoch|^\d+ +\d+\.', l)))


def bar_frame(i, w=64, h=48):
    "A grey picture with a white bar, which moves to the right with `i`."
    a = np.full((h,w,3), 40, np.uint8)
    a[:,2*i%w:2*i%w+2] = 255
    return a


def bar_of(frame):
    "The number of a frame of `bar_frame`."
    return np.asarray(frame)[...,0].astype(float).mean(0).argmax()//2


def write_video(path, n=30, codec='libx264', fps=10, w=64, h=48, times=None, pix_fmt='yuv420p', rotation=None,
                container=None, start=0, sar=None, picture=bar_frame, **options):
    "A video of `n` pictures, at `times` (in frames) if they are given."
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), 'w', options=container or {}) as out:
        s = out.add_stream(codec, rate=fps, options=options)
        s.width,s.height,s.pix_fmt = w,h,pix_fmt
        if rotation: s.set_display_rotation(rotation)
        if sar: s.codec_context.sample_aspect_ratio = sar
        for i in range(n):
            f = av.VideoFrame.from_ndarray(picture(i, w, h))
            f.pts,f.time_base = start + (i if times is None else times[i]),Fraction(1, fps)
            out.mux(s.encode(f))
        out.mux(s.encode())
    return path


def add_clicks(out, seconds, every=.5, codec='aac', rate=44100):
    "Sound with a click every so many seconds, for an open container."
    a = out.add_stream(codec, rate=rate, layout='mono')
    t = np.arange(int(seconds*rate))/rate
    block = av.AudioFrame.from_ndarray((np.sin(3000*t)*(t % every < .02)).astype(np.float32)[None], 'fltp', 'mono')
    block.sample_rate,block.pts,block.time_base = rate,0,Fraction(1, rate)
    out.mux([*a.encode(block), *a.encode(None)])
