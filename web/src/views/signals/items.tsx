import type { ComponentChildren } from 'preact'
import type { Filter, Signal } from '../../api/signals'
import { SeverityMark, severityName } from '../../parts/marks'
import type { Column, Span } from '../../parts/table'
import { kindOf } from '../../state/field'
import { count, oneLine, plural } from '../../state/text'
import { askFor } from './filter'
import type { Group, Groups } from './use-groups'

/** Item is a row of the list: a signal, or of a grouped list also the heading of a group, and what stands below its rows. */
export type Item =
  | { kind: 'signal'; key: string; signal: Signal }
  | { kind: 'group'; key: string; group: Group }
  | { kind: 'note'; key: string; text: ComponentChildren }

export const itemOf = (signal: Signal): Item => ({ kind: 'signal', key: signal.id, signal })

/** groupKey is the key of a group's heading. */
export const groupKey = (value: string): string => 'group ' + value

/** itemsOf are the headings of groups, with the signals of those that are open below them. */
export function itemsOf(groups: Groups): Item[] {
  const items: Item[] = []
  const seen = new Set<string>()
  for (const group of groups.groups) {
    const key = groupKey(group.value)
    items.push({ kind: 'group', key, group })
    if (!group.isOpen) continue
    // A signal that is about several values is in several groups.
    for (const signal of group.rows) {
      items.push({ kind: 'signal', key: seen.has(signal.id) ? `${signal.id} ${key}` : signal.id, signal })
      seen.add(signal.id)
    }
    const note = noteOf(group)
    if (note) items.push({ kind: 'note', key: key + ' note', text: note })
  }
  if (groups.distinct > groups.groups.length && groups.groups.length > 0) items.push({ kind: 'note', key: 'more groups', text: `${count(groups.distinct - groups.groups.length)} more groups, with fewer signals each` })
  return items
}

function noteOf(g: Group): ComponentChildren {
  if (g.error) return <span class="critical">{g.error.message}</span>
  if (g.asking && g.rows.length === 0) return <i class="bone" />
  if (g.count > g.rows.length) return <button class="link" onClick={() => askFor(g.query)}>{`All ${count(g.count)} of it`}</button>
  return undefined
}

/** columnsOf are the columns of signals, of a list that has other rows, too. */
export const columnsOf = (columns: Column<Signal>[]): Column<Item>[] => columns.map((c) => ({ ...c, cell: (i: Item) => (i.kind === 'signal' ? c.cell(i.signal) : null) }))

/** spanOf is a heading of a group, or a note. */
export function spanOf(i: Item, by: string, toggle: (value: string) => void): Span | undefined {
  if (i.kind === 'signal') return undefined
  if (i.kind === 'note') return { content: i.text }
  const g = i.group
  return {
    isOpen: g.isOpen,
    content: (
      <>
        <button class="group-toggle" tabIndex={-1} aria-label={`${g.isOpen ? 'Close' : 'Open'} ${oneLine(g.label || g.value, 120)}`} onClick={(e) => (e.stopPropagation(), toggle(g.value))}><i class={g.isOpen ? 'down' : 'down shut'} /></button>
        <span class="group-name cut" data-field={by} data-value={g.value}>{nameOf(g, by)}</span>
        <span class="mut small">{plural(g.count, 'signal')}</span>
      </>
    ),
  }
}

function nameOf(g: Group, by: string): ComponentChildren {
  if (by === 'severity' && g.value in severityNames) return <SeverityMark severity={g.value as Signal['severity']} />
  if (by !== '@nightjar.group') return oneLine(g.label || g.value, 300)
  return <>{g.field && <span class="kind mut">{kindOf(g.field)}</span>}<span class="mono">{oneLine(g.value, 300)}</span></>
}

const severityNames = { critical: severityName, high: severityName, medium: severityName, low: severityName, info: severityName }

/** filterOfGroup is what a list asks for, of one of its groups. */
export const filterOfGroup = (filter: Filter, g: Group): Filter => ({ ...filter, query: g.query })
