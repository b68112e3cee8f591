// How a sender is connected is said by the pages of docs/sources, whose configurations are
// tested. The page shows them with this engine's address.

const pages = import.meta.glob<string>('../../../../../docs/sources/*.md', { query: '?raw', import: 'default' })
const folder = '../../../../../docs/sources/'

export interface Sender {
  id: string
  name: string
  protocol: string
}

export interface Piece {
  kind: 'heading' | 'text' | 'code'
  text: string
}

const read = async (id: string): Promise<string | undefined> => pages[`${folder}${id}.md`]?.()

/** listSenders are the rows of the table in README.md. */
export async function listSenders(): Promise<Sender[]> {
  const text = (await read('README')) ?? ''
  return [...text.matchAll(/^\| (.+) \| (.+) \| \[[^\]]*\]\(([\w-]+)\.md\) \|$/gm)].map(([, name = '', protocol = '', id = '']) => ({ id, name, protocol }))
}

/** readSender is a page until it says what becomes of events; null: there is none. */
export async function readSender(id: string): Promise<Piece[] | null> {
  const text = await read(id)
  return text === undefined ? null : piecesOf(text)
}

function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = []
  const body = text.replace(/^# .*\n/, '').replace(/<!--[\s\S]*?-->\n?/g, '')
  for (const [i, part] of body.split(/^```.*\n?/m).entries()) {
    if (i % 2 === 1) {
      pieces.push({ kind: 'code', text: part.trimEnd() })
      continue
    }
    for (const block of part.split(/\n{2,}/)) {
      const said = block.trim()
      if (/^## What becomes of/.test(said)) return pieces
      if (said.startsWith('#')) pieces.push({ kind: 'heading', text: said.replace(/^#+\s*/, '') })
      else if (said !== '' && !said.startsWith('|')) pieces.push({ kind: 'text', text: said.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/\n/g, ' ') })
    }
  }
  return pieces
}

/** here is a text with the address by which this page was reached. */
export function here(text: string, at: Pick<Location, 'protocol' | 'hostname' | 'port'> = location): string {
  const port = at.port || (at.protocol === 'https:' ? '443' : '80')
  return text.replace(/http:\/\/127\.0\.0\.1:8420/g, `${at.protocol}//${at.hostname}:${port}`).replace(/\b127\.0\.0\.1\b/g, at.hostname).replace(/\b8420\b/g, port)
}
