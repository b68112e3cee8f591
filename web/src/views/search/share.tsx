import type { Filter } from '../../api/signals'
import { Menu, MenuItem } from '../../parts/menu'
import { copy } from '../../parts/value'
import { momentOf } from '../../state/time'

/** Share gives a search to somebody else: as an address, or as a command that asks the same. */
export function Share({ filter, sort }: { filter: Filter; sort: '-timestamp' | 'timestamp' }) {
  return (
    <Menu label={<>Share <i class="down" /></>}>
      <MenuItem act={() => void copy(location.href)}>Copy the link</MenuItem>
      <MenuItem act={() => void copy(linkOfTimes(filter))}>Copy the link to these times</MenuItem>
      <MenuItem act={() => void copy(commandOf(filter))}>Copy as a command</MenuItem>
      <MenuItem act={() => void copy(curlOf(filter, sort))}>Copy as curl</MenuItem>
    </Menu>
  )
}

/** linkOfTimes is the address with the times that are meant now, so that it shows the same tomorrow. */
function linkOfTimes({ from, to }: Filter): string {
  const address = new URL(location.href)
  const [first, last] = [from === '' ? undefined : momentOf(from), momentOf(to)]
  if (first !== undefined) address.searchParams.set('from', String(first))
  if (last !== undefined) address.searchParams.set('to', String(last))
  return address.href
}

/** inShell is a text as a shell takes it, whatever is in it. */
const inShell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** timeOf is a time of an address as the command and the API take it. */
function timeOf(text: string): string {
  const at = /^now/.test(text) || text === '' ? undefined : momentOf(text)
  return at === undefined ? text : new Date(at).toISOString()
}

function commandOf({ query, from, to }: Filter): string {
  const times = [from === '' ? '' : ` --from ${inShell(timeOf(from))}`, to === '' ? '' : ` --to ${inShell(timeOf(to))}`].join('')
  return `nightjar search ${inShell(query === '*' ? '' : query)}${times}`
}

function curlOf({ query, from, to }: Filter, sort: string): string {
  const filter = { query, from: from === '' ? '1970-01-01T00:00:00Z' : timeOf(from), ...(to === '' ? {} : { to: timeOf(to) }) }
  return `curl -H "DD-API-KEY: $NIGHTJAR_API_KEY" -H 'Content-Type: application/json' ${inShell(location.origin + '/api/v2/logs/events/search')} -d ${inShell(JSON.stringify({ filter, sort, page: { limit: 100 } }))}`
}
