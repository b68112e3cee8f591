// Makes the outlines of the world's land: a path in degrees, to half a degree, without the
// smallest islands. The data is Natural Earth's, which is in the public domain.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { feature } from 'topojson-client'

const atlas = JSON.parse(await readFile('node_modules/world-atlas/land-110m.json', 'utf8'))
const land = feature(atlas, atlas.objects.land)
const half = (n) => Math.round(n * 2) / 2
let path = ''
for (const { geometry } of land.features ?? [land]) {
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates
  for (const [outline] of polygons) {
    const points = outline.map(([lon, lat]) => [half(lon), half(-lat)]).filter(([x, y], i, all) => i === 0 || x !== all[i - 1][0] || y !== all[i - 1][1])
    const spans = (axis) => Math.max(...points.map((p) => p[axis])) - Math.min(...points.map((p) => p[axis]))
    if (points.length < 4 || spans(0) + spans(1) < 3 || Math.max(...points.map((p) => -p[1])) < -60) continue
    // An outline that crosses the date line goes on at the other edge of the map.
    path += points.map((p, i) => (i === 0 || Math.abs(p[0] - points[i - 1][0]) > 180 ? 'M' : 'L') + p.join(' ')).join('') + 'Z'
  }
}
await mkdir('src/made', { recursive: true })
await writeFile('src/made/world.ts', `// Made by build/world.mjs: land, in degrees east and south.\nexport const land =\n  '${path}'\n`)
