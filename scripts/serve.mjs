// A static server for the page, for `make demo` and the tests: no build, no dependency.
//
//   node scripts/serve.mjs [--port 8080] [--host 127.0.0.1]
//
// `/` is www/ and `/pkg/` is pkg/, the layout of `make site`. `precache.json` is computed on request.
import { createReadStream, existsSync, realpathSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { precacheList } from './precache.mjs';
import { checkStamp } from './stamp.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.ts': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.svg': 'image/svg+xml',
  '.ico': 'image/x-icon',
  '.csv': 'text/csv; charset=utf-8',
  '.safetensors': 'application/octet-stream',
};

/**
 * A request handler. `www`, `pkg` and `pkgCpu` say where the page, the modules and the CPU module
 * are; `extraRoot`, where given, is served under `/extra/`; `onRequest` sees every path.
 */
export function handler({
  www = join(root, 'www'),
  pkg = join(root, 'pkg'),
  pkgCpu = join(pkg, 'cpu'),
  extraRoot = undefined,
  onRequest = undefined,
} = {}) {
  // The longest prefix first.
  const mounts = [
    ['/pkg/cpu/', pkgCpu],
    ['/pkg/', pkg],
    ...(extraRoot ? [['/extra/', extraRoot]] : []),
    ['/', www],
  ];

  return (request, response) => {
    const finish = (status, text, headers = {}) => {
      response.writeHead(status, {
        'content-type': 'text/plain; charset=utf-8',
        'x-content-type-options': 'nosniff',
        ...headers,
      });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return finish(405, 'Only GET and HEAD are supported.\n', { allow: 'GET, HEAD' });
    }
    let path;
    try {
      // Not `new URL`, which would resolve `..` away before it could be refused.
      path = decodeURIComponent(String(request.url).split(/[?#]/, 1)[0]);
    } catch {
      return finish(400, 'This address is not valid.\n');
    }
    onRequest?.(path);
    if (!path.startsWith('/') || path.includes('\0') || path.includes('\\') || path.split('/').some((part) => part.startsWith('.'))) {
      return finish(403, 'This address is not served.\n');
    }
    if (path === '/precache.json') {
      return finish(200, JSON.stringify(precacheList({ www, pkg, pkgCpu })), {
        'content-type': TYPES['.json'],
        'cache-control': 'no-cache',
      });
    }
    const [prefix, dir] = mounts.find(([start]) => path.startsWith(start));
    let file = join(dir, path.slice(prefix.length));
    let info = statSync(file, { throwIfNoEntry: false });
    if (info?.isDirectory()) {
      if (!path.endsWith('/')) return finish(301, '', { location: `${path.split('/').pop()}/` });
      file = join(file, 'index.html');
      info = statSync(file, { throwIfNoEntry: false });
    }
    if (!info?.isFile()) return finish(404, `Not found: ${path}\n`);
    // A link inside the folder must not lead out of it.
    if (!realpathSync(file).startsWith(realpathSync(dir) + sep)) return finish(403, 'This address is not served.\n');

    const etag = `"${info.size.toString(16)}-${Math.round(info.mtimeMs).toString(16)}"`;
    const headers = {
      'content-type': TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      // Ask each time, send again only what changed.
      'cache-control': 'no-cache',
      etag,
    };
    if (request.headers['if-none-match']?.split(/,\s*/).includes(etag)) {
      response.writeHead(304, headers);
      return response.end();
    }
    response.writeHead(200, { ...headers, 'content-length': info.size });
    if (request.method === 'HEAD') return response.end();
    const stream = createReadStream(file);
    stream.on('error', () => response.destroy());
    response.on('close', () => stream.destroy());
    stream.pipe(response);
  };
}

/**
 * Listens on `port`, or on the next free one of the twenty after it; port 0 takes any.
 * Gives { url, port, close() }.
 */
export async function serve({ port = 8080, host = '127.0.0.1', log = undefined, ...options } = {}) {
  const server = createServer(handler(options));
  const last = port === 0 ? 0 : port + 20;
  for (let candidate = port; ; candidate += 1) {
    try {
      await new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(candidate, host, () => {
          server.off('error', reject);
          resolve(undefined);
        });
      });
      break;
    } catch (error) {
      const busy = error.code === 'EADDRINUSE' || error.code === 'EACCES';
      if (!busy || candidate >= last) throw error;
      log?.(`Port ${candidate} is in use, trying ${candidate + 1}.`);
    }
  }
  const { port: bound } = server.address();
  // Hashes the modules now rather than during the first visit.
  precacheList(options);
  const shown = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shown}:${bound}/`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '8080' }, host: { type: 'string', default: '127.0.0.1' } },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    console.error(`--port is '${values.port}', expected a number from 0 to 65535`);
    process.exit(2);
  }
  if (!existsSync(join(root, 'pkg/cpu/skip_ganomaly_bg.wasm'))) {
    console.error("pkg/cpu is missing: run 'make wasm' first");
    process.exit(1);
  }
  for (const problem of checkStamp()) console.error(`note: ${problem}`);
  const { url } = await serve({ port, host: values.host, log: console.error });
  console.log(`Open ${url}   (Ctrl-C stops)`);
}
