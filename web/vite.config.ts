import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const pages = ['index.html', 'docs/index.html'].map((page) => fileURLToPath(new URL(page, import.meta.url)))

/** `vite build web` makes the pages; `vite web` serves it for development and passes the rest to a running engine. */
export default defineConfig({
  base: './',
  build: { outDir: '../dist/web', emptyOutDir: true, target: 'es2022', rolldownOptions: { input: pages } },
  server: {
    proxy: {
      '/openapi.json': 'http://127.0.0.1:8080',
      '/asyncapi.json': 'http://127.0.0.1:8080',
      '/api': { target: 'http://127.0.0.1:8080', ws: true },
      '/ws': { target: 'ws://127.0.0.1:8080', ws: true },
    },
  },
})
