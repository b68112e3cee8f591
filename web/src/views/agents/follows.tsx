import type { Agent } from '../../api/agents'
import { listPolicies, type Policy } from '../../api/agent-policies'
import { Section } from '../../parts/keep'
import { pathOf } from '../../state/address'
import { useAsk } from '../../state/ask'
import { oneLine, plural } from '../../state/text'

/** isFor reports whether a policy is for a host with these tags: all of one of its lists, or it has none. */
export const isFor = (p: Policy, tags: string[]): boolean => p.enabled && (p.tags.length === 0 || p.tags.some((list) => list.every((t) => tags.includes(t))))

/** Follows are the policies that are for an agent, by its tags. */
export function Follows({ of: a }: { of: Agent }) {
  const policies = useAsk(a.enrolled ? 'policies' : null, listPolicies, 'keep')
  if (!a.enrolled || policies.value === undefined) return null
  const mine = policies.value.filter((p) => isFor(p, a.tags))
  return (
    <Section title="Policies for it" note="by its tags; of a rule in several, the strongest mode counts">
      {mine.length === 0 ? <p class="mut">None.</p> : (
        <ul class="keep-list">{mine.map((p) => <li key={p.id}><b>{plural(p.blocking + p.monitoring, 'rule')}</b><span><a class="link" href={pathOf(['agents', 'policies', p.id])}>{oneLine(p.name, 120)}</a>{p.mode === 'blocking' ? <span class="high"> blocking</span> : p.blocking > 0 && <span class="high"> {plural(p.blocking, 'blocks', 'block')}</span>}</span></li>)}</ul>
      )}
    </Section>
  )
}
