// The matrix as files: a table for people, and a layer for the ATT&CK Navigator.
import type { Coverage } from '../../api/coverage'
import { lineOf } from '../../state/file'
import { levelNames, levelOfRule, type Cell, type ColumnOf, type Level } from './levels'

const everyCell = (columns: ColumnOf[]): Cell[] => columns.flatMap((c) => c.cells.flatMap((cell) => [cell, ...cell.subs]))
const named = (cell: Cell, level: Level): string => cell.rules.filter((r) => levelOfRule(r) === level).map((r) => r.name).join('; ')

/** csvOf has a record for each technique under each tactic. */
export function csvOf(columns: ColumnOf[]): Blob {
  const head = lineOf(['tactic', 'tactic_name', 'technique', 'technique_name', 'coverage', 'rules_proved', 'rules_tagged_only', 'rules_failing_or_dead', 'rules_not_in_force'])
  const lines = everyCell(columns).map((c) => lineOf([
    c.tactic.id, c.tactic.name, c.technique.id, c.technique.name, levelNames[c.level].toLowerCase(), named(c, 'proved'), named(c, 'tagged'), named(c, 'broken'), named(c, 'off'),
  ]))
  return new Blob([head, ...lines], { type: 'text/csv' })
}

const scores: Record<Level, number> = { proved: 100, tagged: 50, broken: 20, off: 10, none: 0 }
const colours: Record<Level, string> = { proved: '#7fc98f', tagged: '#e3c55f', broken: '#ff7d76', off: '#c5c3b8', none: '' }

/** layerOf is a layer of version 4.5, as the Navigator opens it. */
export function layerOf(c: Coverage, columns: ColumnOf[], at: Date): Blob {
  const techniques = everyCell(columns).filter((cell) => cell.level !== 'none').map((cell) => ({
    techniqueID: cell.technique.id, tactic: cell.tactic.slug, score: scores[cell.level], color: colours[cell.level], enabled: true, showSubtechniques: cell.subs.some((s) => s.level !== 'none'),
    comment: cell.rules.map((r) => `${r.name}: ${levelNames[levelOfRule(r)].toLowerCase()}`).join('\n'), metadata: [], links: [],
  }))
  const layer = {
    name: 'nightjar coverage', versions: { attack: c.version.split('.')[0], navigator: '5.1.0', layer: '4.5' }, domain: 'enterprise-attack',
    description: `Rules of nightjar, ${at.toISOString()}. Proved: live, and a test passes that wants a signal. Tagged only: live.`, sorting: 0, hideDisabled: false, techniques,
    gradient: { colors: ['#c5c3b8', '#7fc98f'], minValue: 0, maxValue: 100 },
    legendItems: (['proved', 'tagged', 'broken', 'off'] as const).map((l) => ({ label: levelNames[l], color: colours[l] })),
    metadata: [], links: [],
  }
  return new Blob([JSON.stringify(layer, null, 2)], { type: 'application/json' })
}
