import { change } from '../../state/address'
import { count } from '../../state/text'
import { CellButton } from './grid'
import type { ColumnOf } from './levels'

const nothing = () => undefined

/** Lists is the matrix where there is no room for columns: a list for each tactic. */
export function Lists({ columns, open, all }: { columns: ColumnOf[]; open: string; all: boolean }) {
  return (
    <>
      {columns.map((c) => (
        <section key={c.tactic.id} class="coverage-list" aria-label={c.tactic.name}>
          <h2><button class="coverage-tactic" aria-pressed={open === c.tactic.id} onClick={() => change({ technique: c.tactic.id })}>{c.tactic.name} <small>{count(c.proved)} of {count(c.total)} proved</small></button></h2>
          <ul>
            {c.cells.map((cell) => [cell, ...cell.subs.filter((s) => s.level !== 'none' || (all && open === cell.technique.id))].map((x, i) => (
              <li key={x.technique.id}><CellButton item={{ cell: x, sub: i > 0 }} at="" focused open={open === x.technique.id} enter={nothing} /></li>
            )))}
          </ul>
        </section>
      ))}
    </>
  )
}
