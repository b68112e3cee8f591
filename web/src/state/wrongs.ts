// What is wrong with the engine, as its status says: one list for the bar at the top and for
// the page about its health.
import type { Health } from '../api/status'
import { duration } from './time'
import { oneLine, plural } from './text'

/** Wrong is something that somebody should see to. */
export interface Wrong {
  text: string
  /** Where more is said of it. */
  to: string
}

/** wrongs are what somebody should see to, the worst first. */
export function wrongs(h: Health): Wrong[] {
  const s = h.storage
  const clocks = h.clocks.reduce((n, c) => n + c.notEvaluated, 0)
  const unknown = h.gaps.filter((g) => !g.accepted)
  const health = '/operation'
  const all: [boolean, string, string][] = [
    [h.database.state !== 'up', `ClickHouse is ${h.database.state}: events wait on disk.`, health],
    [h.eventsLost > 0 && unknown.length > 0, `${plural(h.eventsLost, 'event')} lost.`, health],
    [s.overQuota, 'The quota of the disk is used up, and nothing more can be dropped.', '/operation/storage'],
    [s.droppedUnseen > 0, `${plural(s.droppedUnseen, 'event')} dropped before every rule had seen them.`, '/operation/storage'],
    [h.auditLost > 0, `${plural(h.auditLost, 'entry', 'entries')} of the audit log could not be kept.`, '/operation/audit'],
    [!h.caughtUp && h.lagSeconds >= 10, `Evaluation is ${duration(h.lagSeconds * 1000)} behind.`, '/operation/evaluation'],
    [h.rulesFailing > 0, `${plural(h.rulesFailing, 'rule')} failed at the last evaluation; they are retried.`, '/operation/evaluation'],
    [h.rulesUnsupported > 0, `${plural(h.rulesUnsupported, 'rule')} kept, but not evaluated: the engine does not have the method.`, '/operation/evaluation'],
    [h.eventsAside > 0, `${plural(h.eventsAside, 'event')} set aside for a rule, since evaluating it takes too long.`, '/operation/evaluation'],
    [clocks > 0, `${plural(clocks, 'event')} came too late for rules: a host’s clock is behind.`, '/sources'],
    [h.pipelinesFailed > 0, `Pipelines failed on ${plural(h.pipelinesFailed, 'event')}.`, '/sources/pipelines'],
    ...h.rulesAlone.map((r): [boolean, string, string] => [true, `${oneLine(r.name, 120)} is evaluated by itself: ${oneLine(r.why, 200)}${r.behind > 0 ? `; ${plural(r.behind, 'event')} behind` : ''}.`, '/operation/evaluation']),
    ...h.withoutEffect.map((w): [boolean, string, string] => [true, `${w.kind} ${oneLine(w.name || w.id, 120)} has no effect: ${oneLine(w.reason, 200)}`, health]),
    ...h.queries.map((q): [boolean, string, string] => [q.refused > 0, `${plural(q.refused, 'query', 'queries')} of ${q.kind} refused, since too many waited.`, health]),
  ]
  return all.filter(([is]) => is).map(([, text, to]) => ({ text, to }))
}
