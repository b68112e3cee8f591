import type { Agent } from '../../api/agents'
import { Nothing, Snippet } from '../../parts/keep'
import { change, useAddress } from '../../state/address'
import { count, plural } from '../../state/text'
import { AgentTable } from './table'
import { Switch } from './switch'
import { inNeed, need } from './need'

/** List is all agents: first what fails, those of a state, or with words in host, tags, version and kernel. */
export function List({ all }: { all: Agent[] }) {
  const { query } = useAddress()
  const current = query.get('agent') ?? undefined
  const state = query.get('state') ?? ''
  const text = query.get('q') ?? ''
  if (all.length === 0) return <NoAgents />
  const sorted = inNeed(all)
  const words = [...new Set(sorted.map((a) => need(a).word))]
  const shown = sorted.filter((a) => (state === '' || need(a).word === state) && text.toLowerCase().split(/\s+/).every((w) => saidOf(a).includes(w)))
  return (
    <>
      <p class="place-lead">{summary(all)}</p>
      <Switch />
      <div class="keep-form">
        <label>Host, tag, version <input class="field" value={text} onInput={(e) => change({ q: e.currentTarget.value }, 'replace')} /></label>
        <label>State <select class="field" value={state} onChange={(e) => change({ state: e.currentTarget.value })}><option value="">any</option>{[...new Set([...words, ...(state === '' ? [] : [state])])].map((w) => <option key={w}>{w}</option>)}</select></label>
      </div>
      {shown.length === 0
        ? <Nothing title="No agent is so"><p><button class="link" onClick={() => change({ q: '', state: '' })}>Show all {count(all.length)}</button></p></Nothing>
        : <AgentTable agents={shown.slice(0, 1000)} current={current} onOpen={(key) => change({ agent: key === current ? undefined : key })} />}
      <p class="small mut">Those that reported within a day, and all that are enrolled.{shown.length > 1000 && ` The first 1,000 of ${count(shown.length)}.`}</p>
    </>
  )
}

const saidOf = (a: Agent): string => [a.host, ...a.tags, a.version, a.kernel].join(' ').toLowerCase()

function summary(all: Agent[]): string {
  const found = new Map<string, number>()
  for (const a of inNeed(all)) {
    const n = need(a)
    if (n.rank < 5) found.set(n.word, (found.get(n.word) ?? 0) + 1)
  }
  const said = [...found].map(([word, n]) => `${n} ${word}`)
  return `${plural(all.length, 'agent')}. ${said.length === 0 ? 'Each follows what it is to follow, and has lost nothing.' : said.join(', ') + '.'}`
}

function NoAgents() {
  return (
    <Nothing title="No agent watches a host yet">
      <p>An agent sees processes, files and connections in the kernel, judges them by the policies that this engine gives it, and can kill and deny. Linux 5.10 or newer, with BTF.</p>
      <p>Make <a class="link" href="/agents/tokens">a token</a>, which lets hosts enrol, here or by:</p>
      <Snippet name="Copy the command for a token" text="nightjar agents token web --uses 20 --expires-in 1d" />
      <p>Then, on each host, as root:</p>
      <Snippet name="Copy the command of a host" text={enrolling} />
      <p class="small mut" role="status"><i class="dot wait" />waiting for the first agent</p>
    </Nothing>
  )
}

/** enrolling is what makes a host an agent. */
export const enrolling = `NIGHTJAR_ENROLL=TOKEN nightjar agent --server ${location.origin} --tag env:prod`
