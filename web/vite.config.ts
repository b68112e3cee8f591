import { defineConfig } from 'vite'
import { notices } from './build/notices.mjs'

// Everything that the page loads is a file of its own: its Content-Security-Policy
// allows nothing inline, and no address but the engine's.
export default defineConfig({
  plugins: [notices()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { fs: { allow: ['.', '../docs/sources'] }, proxy: { '/api': 'http://127.0.0.1:8420', '/readyz': 'http://127.0.0.1:8420' } },
})
