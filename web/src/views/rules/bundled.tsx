import { useState } from 'preact/hooks'
import { applyBundled, listBundled, type BundledRule } from '../../api/authoring'
import { Listing, type Cell } from '../../parts/listing'
import { SeverityMark } from '../../parts/marks'
import { Known, Nothing, Place } from '../../parts/keep'
import { change, pathOf, useAddress } from '../../state/address'
import { useAsk } from '../../state/ask'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { count, oneLine, plural } from '../../state/text'
import { tickedThen } from '../../state/ticked'
import { methodName, worstOf } from './state'

const stateWords: Record<BundledRule['state'], string> = { absent: 'Not in force', differs: 'Yours differs', same: 'In force' }

/** Bundled are the rules that ship, to bring into force. */
export function Bundled() {
  const asked = useAsk('bundled', listBundled, 'keep')
  return (
    <Place title="Rules that ship">
      <p class="place-lead"><a class="link" href="/rules">Rules</a>. Each comes with its tests. Those that are switched off stay so.</p>
      <Known of={asked}>{(all) => <Shelf all={all} again={asked.again} />}</Known>
    </Place>
  )
}

function Shelf({ all, again }: { all: BundledRule[]; again: () => void }) {
  const { query } = useAddress()
  const words = (query.get('text') ?? '').toLowerCase()
  const state = query.get('state') ?? ''
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set())
  const [going, setGoing] = useState(false)
  const lacks = useMay('configure')
  const fits = all.filter((b) => (state === '' || b.state === state) && `${b.name} ${b.rule.name} ${(b.rule.tags ?? []).join(' ')}`.toLowerCase().includes(words))
  const chosen = fits.filter((b) => ticked.has(b.name))
  const tick = (b: BundledRule) => setTicked((was) => tickedThen(was, [], b.name))
  const apply = async (names: string[]) => {
    setGoing(true)
    try {
      const done = await applyBundled(names)
      const failed = done.filter((d) => d.problem !== '')
      const made = done.filter((d) => d.action === 'created').length
      const updated = done.filter((d) => d.action === 'updated').length
      const text = `In force: ${plural(made, 'new rule')}${updated > 0 ? `, ${updated} as ${updated === 1 ? 'it ships' : 'they ship'} again` : ''}.`
      tell(failed.length > 0 ? { text: `${text} Not all: ${failed.map((f) => `${f.name}: ${f.problem}`).join('; ')}`, failed: true } : { text })
      setTicked(new Set())
    } catch (e) {
      tell({ text: `Not applied: ${(e as Error).message}`, failed: true })
    }
    setGoing(false)
    again()
  }
  const cells: Cell<BundledRule>[] = [
    { title: 'Rule', cell: (b) => <label class="rule-yes"><input type="checkbox" checked={ticked.has(b.name)} onChange={() => tick(b)} /> <span class="hi">{oneLine(b.rule.name, 200)}</span></label> },
    { title: 'State', cell: (b) => <span class={b.state === 'differs' ? 'medium' : b.state === 'same' ? 'good' : 'mut'}>{b.ruleID === '' ? stateWords[b.state] : <a class="link" href={pathOf(['rules', b.ruleID])}>{stateWords[b.state]}{!b.enabled && ', off'}</a>}</span> },
    { title: 'Severity', cell: (b) => { const s = worstOf(b.rule); return s ? <SeverityMark severity={s} /> : '–' } },
    { title: 'Method', minor: true, cell: (b) => <span class="mut">{methodName(b.rule)}</span> },
    { title: 'Covers', minor: true, cell: (b) => <code class="mut">{(b.rule.tags ?? []).filter((t) => t.startsWith('technique:')).map((t) => /T[\d.]+/.exec(t)?.[0] ?? '').join(' ')}</code> },
    { title: 'Tests', number: true, minor: true, cell: (b) => count(b.tests) },
  ]
  const differing = chosen.filter((b) => b.state === 'differs').length
  return (
    <>
      <div class="keep-form">
        <label>Find <input class="field" type="search" value={query.get('text') ?? ''} onInput={(e) => change({ text: e.currentTarget.value }, 'replace')} /></label>
        <label>State <select class="field" value={state} onChange={(e) => change({ state: e.currentTarget.value })}><option value="">all</option>{Object.entries(stateWords).map(([k, v]) => <option key={k} value={k}>{v}</option>)}</select></label>
        <button class="button" onClick={() => setTicked(new Set(chosen.length === fits.length ? [] : fits.filter((b) => b.state !== 'differs').map((b) => b.name)))}>{chosen.length > 0 && chosen.length === fits.length ? 'Select none' : 'Select all'}</button>
        <button class="button main" disabled={lacks !== '' || going || chosen.length === 0} title={lacks} onClick={() => void apply(chosen.map((b) => b.name))}>Bring {chosen.length > 0 ? plural(chosen.length, 'rule') : 'into force'}{chosen.length > 0 && ' into force'}</button>
        {lacks !== '' && <span class="mut small">{lacks}</span>}
        {differing > 0 && <span class="medium small">{plural(differing, 'of them replaces', 'of them replace')} what you changed; the version before stays to be restored.</span>}
      </div>
      {fits.length === 0 ? <Nothing title="None of these"><p>{plural(all.length, 'rule ships', 'rules ship')}. <button class="link" onClick={() => change({ text: undefined, state: undefined })}>Show all</button></p></Nothing> : <Listing name="Rules that ship" cells={cells} rows={fits} keyOf={(b) => b.name} />}
    </>
  )
}
