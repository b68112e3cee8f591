import { useMemo } from 'preact/hooks'
import { readCoverage, type Coverage as Answer, type CoveringRule } from '../../api/coverage'
import { Known } from '../../parts/keep'
import { Menu, MenuItem } from '../../parts/menu'
import { change, useAddress } from '../../state/address'
import { useAsk, useEvery, type Asked } from '../../state/ask'
import { save } from '../../state/file'
import { usePhone } from '../../state/size'
import { count, oneLine, plural } from '../../state/text'
import { clock, useZone, zoneName } from '../../state/time'
import { csvOf, layerOf } from './files'
import { columnsOf, countLevels, levelNames, levels, levelSigns, unknownOf, type ColumnOf, type Level } from './levels'
import { Grid } from './grid'
import { Lists } from './lists'
import { TechniquePanel } from './panel'
import './coverage.css'

/** Coverage is the matrix of ATT&CK: what is shown by tests, apart from what only says so. */
export function Coverage() {
  const asked = useAsk('coverage', readCoverage, 'keep')
  useEvery(asked.value && asked.value.pending > 0 ? 1000 : 30_000, asked.refresh)
  return (
    <div class="coverage">
      <Known of={asked}>{(c) => <Matrix c={c} asked={asked} />}</Known>
    </div>
  )
}

function Matrix({ c, asked }: { c: Answer; asked: Asked<Answer> }) {
  const { query } = useAddress()
  const phone = usePhone()
  const source = query.get('source') ?? ''
  const tactic = query.get('tactic') ?? ''
  const level = (query.get('level') ?? '') as Level | ''
  const words = query.get('words') ?? ''
  const all = query.get('show') === 'all' || level === 'none'
  const rules = useMemo(() => c.rules.filter((r) => source === '' || r.sources.includes(source)), [c, source])
  const columns = useMemo(() => columnsOf(c, rules), [c, rules])
  const shown = useMemo(() => narrowed(columns, { tactic, level, words, all }), [columns, tactic, level, words, all])
  const open = query.get('technique') ?? ''
  const cells = columns.flatMap((x) => x.cells.flatMap((cell) => [cell, ...cell.subs])).filter((x) => x.technique.id === open)
  const View = phone ? Lists : Grid
  return (
    <div class={'coverage-columns' + (cells.length > 0 || open.startsWith('TA') ? ' coverage-with-panel' : '')}>
      <main class="coverage-main" aria-label="ATT&CK coverage">
        <h1 class="unseen">ATT&CK coverage</h1>
        <Filters c={c} columns={columns} source={source} tactic={tactic} level={level} words={words} all={all} />
        <Said c={c} columns={columns} rules={rules} shown={shown} />
        {shown.some((x) => x.cells.length > 0)
          ? <View columns={shown} open={open} all={all} />
          : <div class="coverage-none"><h2>{c.rules.length === 0 ? 'No rule names a technique' : 'No technique is so'}</h2><p>{c.rules.length === 0 ? 'A tag such as technique:T1110-brute-force says what a rule is about.' : <button class="link" onClick={() => change({ source: undefined, tactic: undefined, level: undefined, words: undefined })}>Show all that have rules</button>}</p></div>}
      </main>
      <TechniquePanel cells={cells} column={columns.find((x) => x.tactic.id === open)} c={c} again={asked.again} />
    </div>
  )
}

/** narrowed are the columns as they are asked for: without what has no rule, unless all is. */
function narrowed(columns: ColumnOf[], by: { tactic: string; level: Level | ''; words: string; all: boolean }): ColumnOf[] {
  const says = (text: string) => by.words.toLowerCase().split(/\s+/).every((w) => text.toLowerCase().includes(w))
  return columns.filter((x) => by.tactic === '' || x.tactic.id === by.tactic).map((x) => ({
    ...x,
    cells: x.cells.filter((c) => (by.all || c.level !== 'none') && (by.level === '' || c.level === by.level) &&
      (by.words === '' || says([c.technique.id, c.technique.name, ...c.subs.flatMap((s) => [s.technique.id, s.technique.name]), ...c.rules.map((r) => r.name)].join('\n')))),
  })).filter((x) => by.all || x.cells.length > 0)
}

interface FiltersProps {
  c: Answer
  columns: ColumnOf[]
  source: string
  tactic: string
  level: Level | ''
  words: string
  all: boolean
}

function Filters({ c, columns, source, tactic, level, words, all }: FiltersProps) {
  const counts = countLevels(columns)
  const sources = [...new Set(c.rules.flatMap((r) => r.sources))].sort()
  const name = `nightjar-attack-${new Date().toISOString().slice(0, 10)}`
  return (
    <div class="coverage-filters">
      <nav class="small mut" aria-label="Where this is"><a href="/rules">Rules</a></nav>
      <div class="coverage-levels" role="group" aria-label="Techniques by what covers them">
        {levels.map((l) => (
          <button key={l} class={'coverage-level ' + l} aria-pressed={level === l} onClick={() => change({ level: level === l ? undefined : l })}>
            <i aria-hidden="true">{levelSigns[l]}</i>{levelNames[l]} <b>{count(counts[l])}</b>
          </button>
        ))}
      </div>
      <input class="field coverage-words" type="search" id="technique-words" aria-label="Find techniques and rules" placeholder="Find" value={words} onInput={(e) => change({ words: e.currentTarget.value }, 'replace')} onKeyDown={(e) => e.key === 'Escape' && e.currentTarget.blur()} />
      <select class="field" aria-label="Source" value={source} onChange={(e) => change({ source: e.currentTarget.value })}><option value="">Every source</option>{sources.map((s) => <option key={s} value={s}>{oneLine(s, 60)}</option>)}</select>
      <select class="field" aria-label="Tactic" value={tactic} onChange={(e) => change({ tactic: e.currentTarget.value })}><option value="">Every tactic</option>{c.tactics.map((t) => <option key={t.id} value={t.id}>{t.name}</option>)}</select>
      <label class="check coverage-all"><input type="checkbox" checked={all} disabled={level === 'none'} onChange={(e) => change({ show: e.currentTarget.checked ? 'all' : undefined })} /> all techniques</label>
      <Menu label="Export" class="button">
        <MenuItem act={() => save(csvOf(columns), name + '.csv')}>CSV</MenuItem>
        <MenuItem act={() => save(layerOf(c, columns, new Date()), name + '.json')}>ATT&CK Navigator layer</MenuItem>
      </Menu>
    </div>
  )
}

/** Said is what the numbers mean, and what is not in them. */
function Said({ c, columns, rules, shown }: { c: Answer; columns: ColumnOf[]; rules: CoveringRule[]; shown: ColumnOf[] }) {
  const zone = useZone()
  const counts = countLevels(columns)
  const techniques = levels.reduce((n, l) => n + counts[l], 0)
  const tested = rules.filter((r) => r.testedAt > 0).map((r) => r.testedAt)
  const hidden = columns.filter((x) => !shown.includes(x) && !shown.some((s) => s.tactic.id === x.tactic.id)).map((x) => x.tactic.name)
  const unknown = unknownOf(c)
  return (
    <p class="coverage-said small mut">
      <span><b class="hi">{count(counts.proved)} of {count(techniques)}</b> techniques have a live rule whose test shows it</span>
      {c.pending > 0 ? <span role="status">Running the tests of {plural(c.pending, 'rule')}</span> : tested.length > 0 && <span>tests run {clock(Math.min(...tested), zone)} {zoneName(zone)} or later</span>}
      {c.untagged > 0 && <span><a class="link" href="/rules?query=enabled%3Atrue">{plural(c.untagged, 'live rule names', 'live rules name')} no technique</a></span>}
      {unknown.length > 0 && <span class="medium">Tags name what ATT&CK {c.version} hasn’t: {oneLine(unknown.slice(0, 8).join(', '), 200)}{unknown.length > 8 && ` and ${count(unknown.length - 8)} more`}</span>}
      {hidden.length > 0 && hidden.length < columns.length - 1 && <span>no rule for {hidden.join(', ')}</span>}
      <span>ATT&CK {c.version}, a trademark of The MITRE Corporation</span>
    </p>
  )
}
