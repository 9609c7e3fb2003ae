"What the tests of several notebooks share: a folder, commands, small videos whose frames can be told apart, a browser."
import hashlib, importlib, importlib.util, io, json, os, re, shutil, socket, subprocess, sys, tempfile
import threading, time, warnings
from base64 import b64decode
from contextlib import contextmanager
from fractions import Fraction
from multiprocessing.util import Finalize
from pathlib import Path
from urllib.request import urlopen
import av
import numpy as np
from fastcore.test import test_eq
from PIL import Image
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route


def at_end(f, *args, **kwargs):
    "Call `f` when the process ends, also in a process of a pool, which ends without `atexit`."
    Finalize(None, f, args, kwargs, exitpriority=0)


def temp_folder():
    "A new folder, which is removed when the process ends."
    path = Path(tempfile.mkdtemp())
    at_end(shutil.rmtree, path, ignore_errors=True)
    return path


def warned(f):
    "What `f` returns, and the texts of the warnings about old names that it raises."
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        answer = f()
    messages = [str(w.message) for w in said if w.category is DeprecationWarning]
    return answer, [m for m in messages if 'is now called' in m]


@contextmanager
def warns(text):
    "Test that a block raises a warning that contains `text`; its other warnings are not shown."
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        yield
    assert any(text in str(w.message) for w in said), [str(w.message) for w in said]


def call(*args):
    "Run a command of `epic-actions` in this process."
    from typer.testing import CliRunner
    from epic_actions.cli.app import app
    return CliRunner().invoke(app, [str(a) for a in args])


def told(result):
    "The JSON object that a command of `call` printed."
    assert result.stdout, (result.exit_code, result.output, result.exception)
    return json.loads(result.stdout)


def refused(*args, contains):
    "Test that a command ends with exit code 2 and a message that contains `contains`."
    r = call(*args)
    test_eq(r.exit_code, 2)
    assert contains in r.output, r.output


def shell(command, folder, hide=()):
    "Run a command in `folder` as in a terminal, and print what it says, without its progress and the paths in `hide`."
    code = 'from epic_actions.cli.main import app; app()'
    r = subprocess.run([sys.executable, '-c', code, *command.split()[1:]], cwd=folder, capture_output=True, text=True)
    assert r.returncode == 0, r.stderr[-2000:]
    text = re.sub(r'█?\s*\|[█-]*\|[^\]]*\]', '', r.stdout)
    for path in (folder, *hide): text = text.replace(f'{path}/', '')
    print('\n'.join(l for l in re.split('[\r\n]', text)
                    if l.strip('█ ') and not re.search(r'^█?Epoch|^epoch|^\d+ +\d+\.|^[a-z ]+: \d+$', l)))


def bar_frame(i, w=64, h=48):
    "A grey picture with a white bar, which moves to the right with `i`."
    a = np.full((h,w,3), 40, np.uint8)
    a[:,2*i%w:2*i%w+2] = 255
    return a


def show_pictures(pictures):
    "Draw pictures, a dict of their names, side by side."
    import matplotlib.pyplot as plt
    fig,axes = plt.subplots(1, len(pictures), figsize=(9,2))
    for ax,(name,picture) in zip(axes, pictures.items()):
        ax.imshow(picture); ax.set_title(name, fontsize=9); ax.axis('off')


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


def free_port():
    "A port of this computer that nobody uses."
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def served(module, call, before=''):
    "A page in a process of its own, which can be killed, and its address; the code knows `module` as `page`."
    code = f'import {module} as page, time\n{before}\npage.{call}'
    process = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    at_end(process.kill)
    lines = iter(process.stdout.readline, '')
    url = next((l.strip() for l in lines if 'http://' in l), None)
    assert url, process.stderr.read()
    return process, url


_names = 'chromium','chromium-browser','google-chrome'
chromium = next(filter(None, map(shutil.which, _names)), None) if importlib.util.find_spec('websocket') else None
_key_codes = dict(Enter=13, Escape=27, PageUp=33, PageDown=34, ArrowLeft=37, ArrowUp=38, ArrowRight=39, ArrowDown=40,
                  Tab=9, Backspace=8, Delete=46)


class Chromium:
    "A headless browser with one page, driven by its own protocol; `until` is JavaScript that is true of an open page."
    def __init__(self, until, width=1240, height=760, flags=()):
        import websocket
        self.folder,self.n,self.ready = tempfile.mkdtemp(),0,until
        flags = [*flags,'--headless=new','--no-sandbox','--disable-gpu','--disable-quic','--no-first-run',
                 '--disable-background-networking','--disable-component-update','--disable-sync',
                 f'--window-size={width},{height}','--hide-scrollbars','--remote-debugging-port=0',
                 f'--user-data-dir={self.folder}','about:blank']
        self.process = subprocess.Popen([chromium, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        at_end(self.process.kill)
        file = Path(self.folder, 'DevToolsActivePort')
        port = self.until(lambda: file.exists() and file.read_text().splitlines()[:1])[0]
        url = f'http://127.0.0.1:{port}/json'
        pages = self.until(lambda: [t for t in json.load(urlopen(url)) if t['type'] == 'page'])
        self.ws = websocket.create_connection(pages[0]['webSocketDebuggerUrl'], suppress_origin=True, timeout=30)
        self.resize(width, height)

    def resize(self, width, height):
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)

    def until(self, f, seconds=30):
        stop = time.time()+seconds
        while not (answer := f()):
            if time.time() > stop: raise TimeoutError(f'waited {seconds} s')
            time.sleep(.05)
        return answer

    def call(self, method, **params):
        self.n += 1
        self.ws.send(json.dumps(dict(id=self.n, method=method, params=params)))
        while (m := json.loads(self.ws.recv())).get('id') != self.n: pass
        if 'error' in m: raise RuntimeError(m['error'])
        return m['result']

    def js(self, code):
        answer = self.call('Runtime.evaluate', expression=code, awaitPromise=True, returnByValue=True)
        return answer['result'].get('value')

    def wait(self, code): return self.until(lambda: self.js(code))

    def open(self, url, until=None):
        self.call('Page.navigate', url=url)
        self.wait(until or self.ready)

    def keys(self, *keys):
        "Press keys: `Ctrl+z`, `Shift+a`, `Enter`, or the letters of a text."
        for k in [k for key in keys for k in ([key] if key in _key_codes or '+' in key[1:] else key)]:
            *held,name = k.split('+') if k[1:] else [k]
            text = {} if 'Ctrl' in held or name in _key_codes else dict(text=name)
            if name == 'Enter' and not held: text = dict(text='\r')
            held = 2*('Ctrl' in held) + 8*('Shift' in held)
            for kind in 'keyDown','keyUp':
                code = _key_codes.get(name, ord(name[0].upper()))
                self.call('Input.dispatchKeyEvent', type=kind, key=name, modifiers=held,
                          windowsVirtualKeyCode=code, **(text if kind == 'keyDown' else {}))

    def choose(self, selector, file):
        "Choose a file in the input that `selector` finds."
        root = self.call('DOM.getDocument')['root']['nodeId']
        node = self.call('DOM.querySelector', nodeId=root, selector=selector)['nodeId']
        self.call('DOM.setFileInputFiles', nodeId=node, files=[str(file)])

    def drag(self, *points):
        "Press the left button at the first of the points (x, y), move over the others, and release it at the last."
        def mouse(kind, x, y):
            self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', buttons=1, clickCount=1)
        mouse('mousePressed', *points[0])
        for p in points[1:]: mouse('mouseMoved', *p)
        mouse('mouseReleased', *points[-1])

    def saved(self): return self.wait("saved.textContent == 'all saved' && Object.keys(localStorage).length == 0")

    def picture(self, scheme='light'):
        self.call('Emulation.setEmulatedMedia', features=[dict(name='prefers-color-scheme', value=scheme)])
        return Image.open(io.BytesIO(b64decode(self.call('Page.captureScreenshot', format='png')['data'])))

    def close(self):
        self.ws.close()
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def _rank(rank, n, port, results, f, args, kwargs):
    "One of several processes of a training."
    import os
    import torch
    torch.set_num_threads(1)
    os.environ |= dict(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(n), MASTER_ADDR='127.0.0.1',
                       MASTER_PORT=str(port), ACCELERATE_USE_CPU='1')
    results.send(f(*args, **kwargs))
    sys.stdout.flush()
    os._exit(0)


def in_ranks(n, f, *args, timeout=300, **kwargs):
    "What `f` returns in each of `n` processes of a training, forks of this one; None where one died."
    import accelerate, torch._dynamo # once, not in every fork
    from multiprocessing import get_context
    fork,port,ends = get_context('fork'),free_port(),[]
    for rank in range(n):
        ours,theirs = fork.Pipe(duplex=False)
        process = fork.Process(target=_rank, args=(rank, n, port, theirs, f, args, kwargs))
        process.start()
        theirs.close()
        ends.append((process, ours))
    found = []
    for process,ours in ends:
        try: found.append(ours.recv() if ours.poll(timeout) else None)
        except EOFError: found.append(None)
    for process,_ in ends:
        process.join(10)
        process.kill()
    return found


class Hub:
    "A server of models that speaks the protocol of the Hugging Face Hub, in its place; `asked` lists its requests."
    def __init__(self, cache, token='hf_secret'):
        import uvicorn
        self.token,self.repos,self.blobs,self.asked = token,{},{},[]
        api,repo = '/api/models/{repo:path}','/{repo:path}'
        routes = [('/api/repos/create', self._create, 'POST'), ('/api/validate-yaml', self._valid, 'POST'),
                  (f'{api}/preupload/{{rev}}', self._preupload, 'POST'),
                  (f'{api}/commit/{{rev}}', self._commit, 'POST'),
                  (f'{api}/tree/{{rev}}', self._tree, 'GET'), (f'{api}/revision/{{rev:path}}', self._info, 'GET'),
                  (api, self._info, 'GET'), (f'{repo}.git/info/lfs/objects/batch', self._batch, 'POST'),
                  ('/lfs/{oid}', self._put, 'PUT'), (f'{repo}/resolve/{{rev}}/{{path:path}}', self._resolve, 'GET')]
        self.app = Starlette(routes=[Route(path, f, methods=[m]) for path,f,m in routes])
        listening = socket.create_server(('127.0.0.1', 0))
        self.url = f'http://127.0.0.1:{listening.getsockname()[1]}'
        config = uvicorn.Config(self, lifespan='off', log_config=None, log_level='error')
        self.server = uvicorn.Server(config)
        threading.Thread(target=self.server.run, args=[[listening]], daemon=True).start()
        os.environ.update(HF_ENDPOINT=self.url, HF_HOME=str(cache), HF_TOKEN=token, HF_HUB_OFFLINE='0',
                          HF_HUB_DISABLE_XET='1', HF_HUB_DISABLE_TELEMETRY='1', HF_HUB_DISABLE_PROGRESS_BARS='1')
        # a process that tests several notebooks has read the environment before
        if 'huggingface_hub.constants' in sys.modules: importlib.reload(sys.modules['huggingface_hub.constants'])

    async def __call__(self, scope, receive, send):
        self.asked.append((scope['method'], scope['path']))
        signed = b'signed=' + self.token.encode() == scope['query_string']
        known = signed or dict(scope['headers']).get(b'authorization') == f'Bearer {self.token}'.encode()
        writes = scope['method'] in ('POST','PUT')
        answer = self.app if known or not writes else PlainTextResponse('Invalid username or password.', 401)
        await answer(scope, receive, send)

    def commit(self, repo, files, **refs):
        "Put a commit of `files`, path -> bytes, on the branch main, or on other `refs`; its hash."
        sha = hashlib.sha1(repr((repo, len(self.repos.get(repo, {})), sorted(files))).encode()).hexdigest()
        known = self.repos.setdefault(repo, {})
        known |= {sha: dict(files), **{r: sha for r in refs or ['main']}}
        return sha

    def at(self, repo, rev='main'):
        "The hash and the files of a revision, or None."
        found = self.repos.get(repo, {}).get(rev)
        return self.at(repo, found) if isinstance(found, str) else (rev, found) if found is not None else None

    def _found(self, request):
        "The hash and the files that a request is about, or the answer that there are none."
        repo,rev = request.path_params['repo'],request.path_params.get('rev', 'main')
        code = 'RevisionNotFound' if repo in self.repos else 'RepoNotFound'
        return self.at(repo, rev) or JSONResponse(dict(error=code), 404, {'X-Error-Code': code})

    async def _create(self, request):
        about = await request.json()
        repo = f"{about.get('organization') or 'me'}/{about['name']}"
        if repo in self.repos: return JSONResponse(dict(url=f'{self.url}/{repo}'), 409)
        self.commit(repo, {'.gitattributes': b''})
        return JSONResponse(dict(url=f'{self.url}/{repo}', name=repo))

    async def _valid(self, request):
        return JSONResponse(dict(errors=[], warnings=[]))

    async def _preupload(self, request):
        def mode(path): return 'lfs' if path.endswith(('.safetensors','.onnx')) else 'regular'
        files = (await request.json())['files']
        return JSONResponse(dict(files=[dict(path=f['path'], uploadMode=mode(f['path']), shouldIgnore=False)
                                        for f in files]))

    async def _batch(self, request):
        objects = (await request.json())['objects']
        def action(oid): return dict(actions=dict(upload=dict(href=f'{self.url}/lfs/{oid}?signed={self.token}')))
        return JSONResponse(dict(transfer='basic', objects=[o | action(o['oid']) for o in objects]))

    async def _put(self, request):
        body = await request.body()
        right = hashlib.sha256(body).hexdigest() == request.path_params['oid']
        if right: self.blobs[request.path_params['oid']] = body
        return PlainTextResponse('', 200 if right else 400)

    async def _commit(self, request):
        repo,new = request.path_params['repo'],dict(self.at(request.path_params['repo'])[1])
        for line in (await request.body()).splitlines():
            op = json.loads(line)
            v = op['value']
            if op['key'] == 'file': new[v['path']] = b64decode(v['content'])
            if op['key'] == 'lfsFile': new[v['path']] = self.blobs[v['oid']]
        sha = self.commit(repo, new)
        return JSONResponse(dict(commitOid=sha, commitUrl=f'{self.url}/{repo}/commit/{sha}'))

    async def _info(self, request):
        if not isinstance(found := self._found(request), tuple): return found
        sha,files = found
        return JSONResponse(dict(id=request.path_params['repo'], sha=self.says(sha),
                                 siblings=[dict(rfilename=f) for f in files]))

    def says(self, sha):
        "The hash that the server gives for a commit; a hostile one lies."
        return sha

    async def _tree(self, request):
        if not isinstance(found := self._found(request), tuple): return found
        return JSONResponse([dict(type='file', path=p, size=len(b), oid=f'{abs(hash(b)):040x}')
                             for p,b in found[1].items()])

    async def _resolve(self, request):
        if not isinstance(found := self._found(request), tuple): return found
        sha,files = found
        body = files.get(request.path_params['path'])
        about = {'X-Repo-Commit': sha}
        if body is None: return JSONResponse(dict(error='no'), 404, about | {'X-Error-Code': 'EntryNotFound'})
        return Response(body, headers=about | dict(ETag=f'"{hashlib.sha1(body).hexdigest()}"'))
