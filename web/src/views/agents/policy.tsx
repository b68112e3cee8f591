import { useState } from 'preact/hooks'
import { deletePolicy, rulesOfPolicy, setMode, type Mode, type Policy, type PolicyRule } from '../../api/agent-policies'
import { Confirm } from '../../parts/confirm'
import { Facts, Known, Nothing, Section } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { change, go, pathOf, useAddress } from '../../state/address'
import { useAsk } from '../../state/ask'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { dayAndMinutes, useZone, zoneName } from '../../state/time'
import { count, oneLine, plural, quoted } from '../../state/text'
import { PolicyForm } from './policy-form'

const modes: Record<Mode, string> = { blocking: 'blocks', monitoring: 'monitors', disabled: 'is off' }

/** PolicyPage is a policy: for which hosts, and what each of its rules does there. */
export function PolicyPage({ policy: p, onChanged }: { policy: Policy | undefined; onChanged: () => void }) {
  const [editing, setEditing] = useState(false)
  const [deleting, setDeleting] = useState(false)
  const lacks = useMay('agents')
  const kill = useMay('kill')
  const zone = useZone()
  if (!p) return <Nothing title="There is no such policy"><p><a class="link" href="/agents/policies">All policies</a></p></Nothing>
  const why = lacks || (p.mode === 'blocking' ? kill : '') || (p.builtIn ? 'it ships with nightjar' : '')
  return (
    <>
      <p class="place-lead"><a class="link" href="/agents/policies">Policies</a> / {oneLine(p.name, 120)}{!p.enabled && <span class="medium"> is off</span>}</p>
      <Facts of={[
        ...(p.description === '' ? [] : [['For', oneLine(p.description, 500)] as [string, string]]),
        ['Hosts', p.tags.length === 0 ? 'all' : p.tags.map((l) => l.join(' ')).join(' or ')],
        ['Mode', p.mode === 'blocking' ? 'blocking: what it monitors, it blocks' : 'as each rule says'],
        ['Rules', `${count(p.blocking)} block, ${count(p.monitoring)} monitor, ${count(p.disabled)} are off`],
        ...(p.updated > 0 ? [['Changed', `${dayAndMinutes(p.updated, zone)} ${zoneName(zone)}, version ${p.version}`] as [string, string]] : []),
      ]} />
      <p class="keep-actions">
        <button class="button" disabled={(lacks || (p.mode === 'blocking' ? kill : '')) !== ''} title={lacks} onClick={() => setEditing(true)}>Change…</button>
        <button class="button danger" disabled={why !== ''} title={why} onClick={() => setDeleting(true)}>Delete…</button>
        {why !== '' && <span class="mut small">{why}</span>}
      </p>
      <Rules policy={p} onChanged={onChanged} />
      {editing && <PolicyForm policy={p} close={() => setEditing(false)} onSaved={onChanged} />}
      {deleting && (
        <Confirm title={`Delete ${oneLine(p.name, 80)}?`} verb="Delete" close={() => setDeleting(false)} act={async () => (await deletePolicy(p.id), onChanged(), go('/agents/policies'), `${oneLine(p.name, 80)} is deleted. The change goes out in stages.`)}>
          <p>{plural(p.rules, 'rule')} no longer {p.rules === 1 ? 'is' : 'are'} for its hosts, unless another policy has {p.rules === 1 ? 'it' : 'them'}.</p>
        </Confirm>
      )}
    </>
  )
}

function Rules({ policy: p, onChanged }: { policy: Policy; onChanged: () => void }) {
  const { query } = useAddress()
  const rules = useAsk(`rules of ${p.id}`, (stop) => rulesOfPolicy(p.id, stop), 'keep')
  const lacks = useMay('agents')
  const text = (query.get('q') ?? '').toLowerCase()
  const turn = async (r: PolicyRule, mode: Mode) => {
    try {
      await setMode(r, p.id, mode)
      tell({ text: `${oneLine(r.name, 80)} ${modes[mode]} here. The change goes out in stages.`, undo: () => void turn(r, r.mode) })
    } catch (e) {
      tell({ text: `It was not changed: ${(e as Error).message}`, failed: true })
    }
    rules.again()
    onChanged()
  }
  const cells: Cell<PolicyRule>[] = [
    { title: 'Rule', cell: (r) => <span class="policy-rule"><code class="hi">{oneLine(r.name, 120)}</code><span class="small mut">{oneLine(r.description, 200)}</span></span> },
    { title: 'Expression', minor: true, cell: (r) => <code class="policy-rule">{oneLine(r.expression, 300)}</code> },
    { title: 'Here it', cell: (r) => <select class="field mode" aria-label={`What ${oneLine(r.name, 80)} does`} disabled={lacks !== ''} title={lacks} value={r.mode} onChange={(e) => void turn(r, e.currentTarget.value as Mode)}>{Object.entries(modes).map(([m, title]) => <option key={m} value={m}>{title}</option>)}</select> },
    { title: 'Used by', minor: true, cell: (r) => <><a class="link" href={pathOf(['rules'], { query: r.name })}>rules</a> <a class="link" href={pathOf(['search'], { query: `@agent.rule_id:${quoted(r.name)}`, from: 'now-7d' })}>events</a> <a class="link" href={pathOf(['rules', 'new'], { query: `@agent.rule_id:${quoted(r.name)}` })}>new rule<span class="unseen"> of {oneLine(r.name, 80)}</span></a></> },
  ]
  return (
    <Section title="Its rules">
      <Known of={rules}>
        {(all) => {
          const shown = all.filter((r) => `${r.name} ${r.description} ${r.expression}`.toLowerCase().includes(text))
          return all.length === 0 ? <p class="mut">None. An agent rule is put into a policy where it is made, with the rule that asks for its events: <a class="link" href="/rules/new">a new rule</a>.</p> : (
            <>
              <div class="keep-form"><label>With the words <input class="field" value={query.get('q') ?? ''} onInput={(e) => change({ q: e.currentTarget.value }, 'replace')} /></label></div>
              {shown.length === 0 ? <p class="mut">No rule of the {count(all.length)} is so.</p> : <Listing name="Rules of the policy" cells={cells} rows={shown.slice(0, 500)} keyOf={(r) => r.id} />}
              {shown.length > 500 && <p class="small mut">The first 500 of {count(shown.length)}.</p>}
            </>
          )
        }}
      </Known>
    </Section>
  )
}
