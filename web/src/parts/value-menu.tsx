import { useRef, useState } from 'preact/hooks'
import { cameFromNow } from '../state/around'
import { entityPath, go, pathOf, useAddress } from '../state/address'
import { later, useLater } from '../state/later'
import { excluding } from '../state/query'
import { useMay } from '../state/session'
import { both, oneLine, term } from '../state/text'
import { closeValue, useOpenValue } from '../state/values'
import { shownColumns, toggleColumn } from '../state/columns'
import { views } from '../views'
import { MenuBox, MenuItem } from './menu'
import { copy } from './value'

const adds = later(() => import('./add-to-table'))

/** ValueMenu is the menu of the value that is open, of which there is one in the page. */
export function ValueMenu() {
  const open = useOpenValue()
  const [adding, setAdding] = useState<string | undefined>()
  const add = useLater(adds, adding !== undefined)
  const box = useRef<HTMLElement>(null)
  const back = () => {
    closeValue()
    if (open?.from?.isConnected) open.from.focus()
  }
  return (
    <>
      {open && (
        <section ref={box} key={open.field + '\0' + open.value} aria-label="About a value">
          <MenuBox inside={box} at={open.at} close={back} leave={closeValue}>
            <ValueActions field={open.field} value={open.value} add={() => setAdding(open.value)} />
          </MenuBox>
        </section>
      )}
      {add && adding !== undefined && <add.AddToTable value={adding} close={() => setAdding(undefined)} />}
    </>
  )
}

const triage = '@nightjar.state:(open OR under_review)'

/** ValueActions are what can be done with a value, wherever it is seen. No other filter is dropped. */
function ValueActions({ field, value, add }: { field: string; value: string; add: () => void }) {
  const { parts, query } = useAddress()
  const lacks = useMay('configure')
  const here = parts[0] === 'search' ? 'search' : 'signals'
  // From a signal's page, the list that led there is asked.
  const listed = parts.length === 1 && parts[0] === here ? query : here === 'signals' && parts[0] === 'signals' ? cameFromNow() : new URLSearchParams({ query: '*' })
  const asked = listed.get('query') ?? (here === 'search' ? '*' : triage)
  const keep = (q: string) => {
    const next = Object.fromEntries(listed)
    go(pathOf([here], { ...next, query: q, ...(listed === query ? {} : { signal: undefined }) })) // the row that is open stays open
  }
  const has = (name: string) => views.some((v) => v.name === name)
  return (
    <>
      <p class="menu-head"><code>{oneLine(field, 80)}</code> {oneLine(value, 120)}</p>
      <MenuItem letter="+" act={() => keep(both(asked, term(field, value)))}>Only these</MenuItem>
      <MenuItem letter="-" act={() => keep(excluding(asked, field, value))}>Not these</MenuItem>
      {has('search') && <MenuItem letter="=" act={() => go(pathOf(['search'], { query: term(field, value) }))}>Search events with it</MenuItem>}
      {has('entity') && <MenuItem letter="i" act={() => go(entityPath(field, value))}>All about it</MenuItem>}
      <MenuItem letter="s" act={() => go(pathOf(['signals'], { query: term(field, value), from: 'now-30d' }))}>Its signals of 30 days</MenuItem>
      <MenuItem letter="t" lacks={lacks} act={add}>Add to a reference table</MenuItem>
      {parts[0] === 'search' && query.get('form') !== 'sql' && <MenuItem letter="k" checked={shownColumns(query).includes(field)} act={() => toggleColumn(shownColumns(query), field)}>Its column in the table</MenuItem>}
      <MenuItem letter="c" act={() => void copy(value)}>Copy</MenuItem>
    </>
  )
}
