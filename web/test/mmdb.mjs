// Small databases of places and networks in the MaxMind DB format 2.0, as `--geoip` reads them.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** writeDatabase writes one of IPv4 networks, such as { '203.0.113.0/24': {…} }, and gives its path. Networks must not lie in each other. */
export async function writeDatabase(kind, networks) {
  const tree = [[null, null]]
  const pieces = []
  let size = 0
  for (const [network, record] of Object.entries(networks)) {
    const [address, length] = network.split('/')
    const bits = address.split('.').flatMap((part) => Number(part).toString(2).padStart(8, '0').split('').map(Number)).slice(0, Number(length))
    let at = 0
    bits.forEach((bit, i) => {
      if (i === bits.length - 1) tree[at][bit] = { record: size }
      else at = tree[at][bit] ??= tree.push([null, null]) - 1
    })
    const piece = value(record)
    pieces.push(piece)
    size += piece.length
  }
  const search = Buffer.alloc(tree.length * 8)
  tree.flat().forEach((next, i) => search.writeUInt32BE(next === null ? tree.length : typeof next === 'number' ? next : next.record + tree.length + 16, i * 4))
  const about = { binary_format_major_version: uint(2, 16), binary_format_minor_version: uint(0, 16), build_epoch: uint(1_700_000_000, 64), database_type: kind, description: {}, ip_version: uint(4, 16), languages: [], node_count: uint(tree.length, 32), record_size: uint(32, 16) }
  const path = join(await mkdtemp(join(tmpdir(), 'nightjar-mmdb-')), 'test.mmdb')
  await writeFile(path, Buffer.concat([search, Buffer.alloc(16), ...pieces, Buffer.from('abcdef', 'hex'), Buffer.from('MaxMind.com'), value(about)]))
  return path
}

/** uint is a whole number of so many bits; other numbers are doubles. */
export const uint = (n, bits) => ({ n, bits, isUint: true })

/** value is one of the data section. Maps and lists have less than 29 entries. */
function value(v) {
  if (typeof v === 'string') {
    const text = Buffer.from(v)
    return Buffer.concat([text.length < 29 ? Buffer.from([(2 << 5) | text.length]) : Buffer.from([(2 << 5) | 29, text.length - 29]), text])
  }
  if (typeof v === 'number') {
    const out = Buffer.alloc(9)
    out[0] = (3 << 5) | 8
    out.writeDoubleBE(v, 1)
    return out
  }
  if (v.isUint) {
    const bytes = v.bits / 8
    const whole = Buffer.alloc(8)
    whole.writeBigUInt64BE(BigInt(v.n))
    const head = v.bits === 64 ? [bytes, 9 - 7] : [((v.bits === 16 ? 5 : 6) << 5) | bytes]
    return Buffer.concat([Buffer.from(head), whole.subarray(8 - bytes)])
  }
  if (Array.isArray(v)) return Buffer.concat([Buffer.from([v.length, 11 - 7]), ...v.map(value)])
  return Buffer.concat([Buffer.from([(7 << 5) | Object.keys(v).length]), ...Object.keys(v).sort().flatMap((k) => [value(k), value(v[k])])])
}
