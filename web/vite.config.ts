import { defineConfig } from 'vite'

/** `vite build web` makes the page; `vite web` serves it for development and passes the rest to a running engine. */
export default defineConfig({
  base: './',
  build: { outDir: '../dist/web', emptyOutDir: true, target: 'es2022' },
  server: {
    proxy: {
      '/api': 'http://127.0.0.1:8080',
      '/ws': { target: 'ws://127.0.0.1:8080', ws: true },
    },
  },
})
