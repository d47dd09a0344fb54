import { readFile, stat } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
}

/** Files under `assets/` carry a hash of their content in their names, so they never change. */
const assetsFolder = 'assets'

/** Answers GET and HEAD with a file of the folder, `index.html` for a folder; undefined where there is none. Nothing outside the folder is read. */
export async function serveFile(folder: string, request: Request): Promise<Response | undefined> {
  const parts = partsOf(new URL(request.url).pathname)
  if (parts === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return undefined
  const found = (await describe(join(folder, ...parts))) ?? (await describe(join(folder, ...parts, 'index.html')))
  if (found === undefined) return undefined
  const headers = {
    'content-type': types[extname(found.path)] ?? 'application/octet-stream',
    'cache-control': parts[0] === assetsFolder ? 'public, max-age=31536000, immutable' : 'no-cache',
    'x-content-type-options': 'nosniff',
    etag: found.etag,
  }
  if (request.headers.get('if-none-match') === found.etag) return new Response(null, { status: 304, headers })
  const length = { 'content-length': String(found.size) }
  if (request.method === 'HEAD') return new Response(null, { headers: { ...headers, ...length } })
  return new Response((await readFile(found.path)) as Buffer<ArrayBuffer>, { headers })
}

/** The path's parts; undefined for one that climbs, hides or cannot be decoded. */
function partsOf(pathname: string): string[] | undefined {
  try {
    const parts = pathname
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent)
    const bad = parts.some(
      (part) => part.startsWith('.') || part.includes('\0') || part.includes('/') || part.includes(sep),
    )
    return bad ? undefined : parts
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

async function describe(path: string) {
  try {
    const { size, mtimeMs } = await stat(path).then((found) => (found.isFile() ? found : { size: -1, mtimeMs: 0 }))
    return size < 0 ? undefined : { path, size, etag: `"${size.toString(36)}-${Math.trunc(mtimeMs).toString(36)}"` }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined
    throw error
  }
}
