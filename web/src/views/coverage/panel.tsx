import { useState } from 'preact/hooks'
import { applyBundled } from '../../api/authoring'
import { updateRule } from '../../api/rules'
import type { Coverage, CoveringRule } from '../../api/coverage'
import { KeepPanel } from '../../parts/keep'
import { change, pathOf } from '../../state/address'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { count, oneLine, plural } from '../../state/text'
import { age, wholeTime } from '../../state/time'
import { levelNames, levelOfRule, levels, levelSigns, parentOf, isSub, type Cell, type ColumnOf } from './levels'

interface PanelProps {
  /** The technique that is open, under each of its tactics; empty: none, or a tactic is. */
  cells: Cell[]
  /** The tactic that is open. */
  column: ColumnOf | undefined
  c: Coverage
  again: () => void
}

/** TechniquePanel is a technique, or a tactic, and the rules that are about it. */
export function TechniquePanel({ cells, column, c, again }: PanelProps) {
  const first = cells[0]
  if (!first && !column) return null
  const id = first?.technique.id ?? column?.tactic.id ?? ''
  const name = first?.technique.name ?? column?.tactic.name ?? ''
  const rules = [...new Set(first ? cells.flatMap((x) => x.rules) : [...(column?.alone ?? []), ...(column?.cells.flatMap((x) => x.rules) ?? [])])]
  const parent = isSub(id) ? c.techniques.find((t) => t.id === parentOf(id)) : undefined
  const subs = first?.subs ?? []
  return (
    <KeepPanel name={first ? 'Technique' : 'Tactic'} close={() => change({ technique: undefined })}>
      <h1 class="coverage-title">{name}</h1>
      <p class="small mut"><code>{id}</code></p>
      {parent && <p class="small mut">a sub-technique of <button class="link" onClick={() => change({ technique: parent.id })}>{parent.name}</button></p>}
      {first && <p class="small mut">{cells.map((x) => x.tactic.name).join(', ')}</p>}
      {rules.length === 0 && <p class="coverage-gap">No rule says that it is about this. A rule is where one of its tags is <code>{first ? 'technique' : 'tactic'}:{id}-…</code></p>}
      {levels.map((l) => {
        const of = rules.filter((r) => levelOfRule(r) === l)
        if (of.length === 0) return null
        return (
          <section key={l} class="keep-section" aria-label={levelNames[l]}>
            <h2 class={'coverage-head ' + l}><i aria-hidden="true">{levelSigns[l]}</i>{levelNames[l]} <small>{count(of.length)}</small>{l === 'off' && of.length > 1 && <Enable rules={of} again={again} />}</h2>
            <ul>{of.map((r) => <RuleLine key={r.id || r.bundled} rule={r} again={again} />)}</ul>
          </section>
        )
      })}
      {subs.length > 0 && (
        <section class="keep-section" aria-label="Sub-techniques">
          <h2 class="coverage-head">Sub-techniques <small>{count(subs.filter((s) => s.level !== 'none').length)} of {count(subs.length)} have a rule</small></h2>
          <ul class="coverage-subs">
            {subs.map((s) => <li key={s.technique.id}><button class="coverage-sub" onClick={() => change({ technique: s.technique.id })}><i class={'coverage-mark ' + s.level} aria-hidden="true">{levelSigns[s.level]}</i><span>{s.technique.name}</span><span class="mut small">{levelNames[s.level].toLowerCase()}</span></button></li>)}
          </ul>
        </section>
      )}
    </KeepPanel>
  )
}

function RuleLine({ rule: r, again }: { rule: CoveringRule; again: () => void }) {
  return (
    <li class="coverage-rule">
      <div>
        {r.id === '' ? <span class="hi">{oneLine(r.name, 160)}</span> : <a class="link" href={pathOf(['rules', r.id])}>{oneLine(r.name, 160)}</a>}
        <p class="small mut">{[...r.techniques, ...r.tactics].join(' ')}{r.sources.length > 0 && `, ${oneLine(r.sources.join(', '), 120)}`}</p>
        {r.reason !== '' && <p class="small critical">{r.state === 'dead' ? 'Asks in vain: ' : ''}{oneLine(r.reason, 400)}</p>}
        <Tested rule={r} />
      </div>
      {levelOfRule(r) === 'off' && <Enable rules={[r]} again={again} />}
    </li>
  )
}

/** Tested is what a rule's tests came to, whose they are, and when they were run. */
function Tested({ rule: r }: { rule: CoveringRule }) {
  const when = r.testedAt > 0 && <span title={wholeTime(r.testedAt)}>, run {age(r.testedAt)} ago</span>
  const whose = r.testsOf === 'bundled' ? ' that ship' : ''
  switch (r.tests) {
    case 'passed': return <p class="small good">{plural(r.passed, 'test')}{whose} {r.passed === 1 ? 'passes' : 'pass'}<span class="mut">{when}</span></p>
    case 'silent': return <p class="small medium">{r.passed === 0 ? 'No test is in the text of its tests' : `${plural(r.passed, 'test')}${whose} ${r.passed === 1 ? 'passes' : 'pass'}, and none wants a signal`}<span class="mut">{when}</span></p>
    case 'failed': return <p class="small critical">{r.failed === 0 ? 'Its tests could not be run' : `${count(r.failed)} of ${plural(r.passed + r.failed, 'test')}${whose} ${r.failed === 1 ? 'fails' : 'fail'}`}: {oneLine(r.problem, 300)}<span class="mut">{when}</span></p>
    case 'pending': return <p class="small mut">Its tests are about to be run</p>
    default: return r.id === '' ? null : <p class="small medium">It has no test. <a class="link" href={pathOf(['rules', r.id])}>Write one</a></p>
  }
}

/** Enable has rules in force: as they ship where they are not stored, else as they are. */
function Enable({ rules, again }: { rules: CoveringRule[]; again: () => void }) {
  const lacks = useMay('configure')
  const [going, setGoing] = useState(false)
  const act = async () => {
    setGoing(true)
    const problems: string[] = []
    const absent = rules.filter((r) => r.id === '')
    try {
      for (const done of absent.length > 0 ? await applyBundled(absent.map((r) => r.bundled)) : []) {
        if (done.action === 'failed') problems.push(`${done.name}: ${done.problem}`)
        else await updateRule(done.ruleID, 0, { isEnabled: true }) // some ship switched off
      }
      for (const r of rules.filter((x) => x.id !== '')) await updateRule(r.id, 0, { isEnabled: true })
    } catch (e) {
      problems.push((e as Error).message)
    }
    setGoing(false)
    tell(problems.length > 0 ? { text: `Not all of it: ${problems.join('; ')}`, failed: true } : { text: `${plural(rules.length, 'rule is', 'rules are')} in force, for what arrives from now.` })
    again()
  }
  return <button class="button" disabled={lacks !== '' || going} title={lacks} onClick={() => void act()}>{rules.length > 1 ? `Enable all ${count(rules.length)}` : 'Enable'}<span class="unseen"> {rules.length === 1 && oneLine(rules[0]?.name ?? '', 80)}</span></button>
}
