import { call } from './client'

export interface Tactic {
  id: string
  /** As tags have it: credential-access. */
  slug: string
  name: string
}

export interface Technique {
  /** T1110, and of a sub-technique T1110.003. */
  id: string
  name: string
  /** The ids of its tactics. */
  tactics: string[]
}

export type Covering = 'proved' | 'tagged' | 'failing' | 'dead' | 'disabled' | 'absent'

/** CoveringRule is a rule, stored or only shipped, and what its tags name. */
export interface CoveringRule {
  /** Empty: it ships, and is not stored. */
  id: string
  name: string
  /** The name by which it ships; empty: it does not. */
  bundled: string
  techniques: string[]
  tactics: string[]
  sources: string[]
  state: Covering
  /** Why it is failing or dead. */
  reason: string
  /** What its tests came to; silent: all pass, and none wants a signal. */
  tests: 'passed' | 'failed' | 'silent' | 'none' | 'pending'
  passed: number
  failed: number
  problem: string
  testsOf: 'own' | 'bundled' | ''
  testedAt: number
}

export interface Coverage {
  /** Of ATT&CK. */
  version: string
  tactics: Tactic[]
  techniques: Technique[]
  rules: CoveringRule[]
  /** How many rules are enabled and name nothing of ATT&CK. */
  untagged: number
  /** The tests of so many rules are still to be run. */
  pending: number
}

interface RuleBody {
  id?: string; name?: string; bundled?: string; techniques?: string[]; tactics?: string[]; sources?: string[]; state?: Covering; reason?: string
  tests?: CoveringRule['tests']; passed?: number; failed?: number; problem?: string; tests_of?: CoveringRule['testsOf']; tested_at?: number
}

interface Body {
  attack_version?: string
  tactics?: Partial<Tactic>[]
  techniques?: Partial<Technique>[]
  rules?: RuleBody[]
  untagged?: number
  pending?: number
}

export async function readCoverage(signal: AbortSignal): Promise<Coverage> {
  const b = await call<Body>('/api/nightjar/v1/attack_coverage', { signal })
  return {
    version: b.attack_version ?? '', untagged: b.untagged ?? 0, pending: b.pending ?? 0,
    tactics: (b.tactics ?? []).map((t) => ({ id: t.id ?? '', slug: t.slug ?? '', name: t.name ?? '' })),
    techniques: (b.techniques ?? []).map((t) => ({ id: t.id ?? '', name: t.name ?? '', tactics: t.tactics ?? [] })),
    rules: (b.rules ?? []).map((r) => ({
      id: r.id ?? '', name: r.name ?? '', bundled: r.bundled ?? '', techniques: r.techniques ?? [], tactics: r.tactics ?? [], sources: r.sources ?? [], state: r.state ?? 'tagged', reason: r.reason ?? '',
      tests: r.tests ?? 'none', passed: r.passed ?? 0, failed: r.failed ?? 0, problem: r.problem ?? '', testsOf: r.tests_of ?? '', testedAt: r.tested_at ?? 0,
    })),
  }
}
