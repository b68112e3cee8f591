// Makes the page's own font files: of each face, the characters that European text,
// code and the page itself need. What else there is in events comes from the
// reader's system.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import subset from 'subset-font'

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)).join('')
const text = range(0x20, 0x7e) + range(0xa0, 0xff) + '–—‘’“”„…·•−×≥≤≠≈→←↑↓↵⌘✓ŒœŠšŽžŁłŚśŻżČčĆćĐđĘęĄąŃńĞğİıŞşŐőŰűŘřŤťŮůĚěĎďŇň'

const inter = 'node_modules/@fontsource/inter'
const mono = 'node_modules/@fontsource/jetbrains-mono'
const faces = [
  [`${inter}/files/inter-latin-400-normal.woff2`, 'inter-400'],
  [`${inter}/files/inter-latin-500-normal.woff2`, 'inter-500'],
  [`${inter}/files/inter-latin-600-normal.woff2`, 'inter-600'],
  [`${mono}/files/jetbrains-mono-latin-400-normal.woff2`, 'mono-400'],
]
await mkdir('src/fonts', { recursive: true })
for (const [from, name] of faces) {
  const made = await subset(await readFile(from), text, { targetFormat: 'woff2' })
  await writeFile(`src/fonts/${name}.woff2`, made)
}
