import { useState } from 'preact/hooks'
import { listAudit, type AuditFilter, type Entry } from '../../api/audit'
import { Menu, MenuItem } from '../../parts/menu'
import { tell } from '../../state/done'
import { count, plural } from '../../state/text'

const page = 10_000
const columns: (keyof Entry)[] = ['seq', 'at', 'kind', 'action', 'outcome', 'callerID', 'caller', 'role', 'address', 'request', 'object', 'detail', 'count', 'hash']

/** Export writes all entries of the filter into a file, page by page. */
export function Export({ filter }: { filter: AuditFilter }) {
  const [read, setRead] = useState<number>()
  const act = async (as: 'csv' | 'ndjson') => {
    setRead(0)
    try {
      const lines: string[] = as === 'csv' ? [columns.join(',')] : []
      for (let before = 0; ;) {
        const found = await listAudit(filter, before, page)
        for (const e of found) lines.push(as === 'csv' ? columns.map((c) => cell(e, c)).join(',') : JSON.stringify(plain(e)))
        setRead((n) => (n ?? 0) + found.length)
        before = found.at(-1)?.seq ?? 0
        if (found.length < page || before <= 1) break
      }
      save(lines, as)
      tell({ text: `${plural(lines.length - (as === 'csv' ? 1 : 0), 'entry', 'entries')} exported.` })
    } catch (e) {
      tell({ text: `Nothing was exported: ${(e as Error).message}`, failed: true })
    }
    setRead(undefined)
  }
  return (
    <Menu class="button" disabled={read !== undefined} label={read === undefined ? <>Export<i class="down" /></> : `${count(read)} read`}>
      <MenuItem act={() => void act('csv')}>CSV</MenuItem>
      <MenuItem act={() => void act('ndjson')}>NDJSON</MenuItem>
    </Menu>
  )
}

/** plain is an entry as the API names what it has. */
const plain = ({ callerID, at, ...e }: Entry) => ({ ...e, at: new Date(at).toISOString(), caller_id: callerID })

/** cell is a value as CSV has it; one that a spreadsheet would take for a formula is made text. */
function cell(e: Entry, column: keyof Entry): string {
  const text = column === 'at' ? new Date(e.at).toISOString() : String(e[column])
  return `"${(/^[=+\-@\t\r]/.test(text) ? "'" + text : text).replace(/"/g, '""')}"`
}

function save(lines: string[], as: string): void {
  const url = URL.createObjectURL(new Blob([lines.join('\n') + '\n'], { type: as === 'csv' ? 'text/csv' : 'application/x-ndjson' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `audit-${new Date().toISOString().slice(0, 10)}.${as}`
  link.click()
  URL.revokeObjectURL(url)
}
