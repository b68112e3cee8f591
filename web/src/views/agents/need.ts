import type { Agent } from '../../api/agents'

/** Need is what somebody should see to about an agent; the smaller the rank, the sooner. */
export interface Need {
  rank: number
  word: string
  look: string
}

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0)

/** losses are events and matches that an agent lost. */
export const losses = (a: Agent): number => sum(a.lost) + sum(a.undelivered)

export function need(a: Agent): Need {
  if (a.state === 'silent') return { rank: 0, word: 'silent', look: 'critical' }
  if (a.refused.length > 0) return { rank: 1, word: 'refuses what it was given', look: 'critical' }
  if (a.enrolled && a.state === 'reporting' && a.inForce !== a.wanted) return { rank: 2, word: 'behind its policies', look: 'medium' }
  if (losses(a) > 0) return { rank: 3, word: 'lost events', look: 'high' }
  if (a.state === 'enrolled') return { rank: 4, word: 'not heard of yet', look: 'medium' }
  if (a.state === 'stopped') return { rank: 6, word: 'stopped', look: 'mut' }
  return { rank: 5, word: 'reporting', look: 'good' }
}

/** inNeed has first what fails. */
export const inNeed = (agents: Agent[]): Agent[] => [...agents].sort((a, b) => need(a).rank - need(b).rank || a.host.localeCompare(b.host))
