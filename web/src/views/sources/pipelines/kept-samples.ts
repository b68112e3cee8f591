import type { Previewed } from '../../../api/pipelines'
import { change } from '../../../state/address'
import { createStore, useStore } from '../../../state/store'
import { tell } from '../../../state/done'

/** Samples that are being written; they live until the page is left. */
const kept = createStore('')

export const useKeptSamples = (): string => useStore(kept)
export const putSamples = (text: string): void => kept.set(text)

/** keepSample adds what a line became to the samples: it has to become that again. */
export function keepSample(input: { line: string; source: string }, d: Previewed): void {
  const { nightjar: _, ...attributes } = d.after.attributes
  const sample = { name: input.line.slice(0, 60), input: input.line, ...(input.source === '' ? {} : { source: input.source }), result: { status: d.after.status, has: attributes } }
  const before = kept.get().trim()
  kept.set(`${before === '' ? 'pipeline: draft\nsamples:' : before}\n- ${JSON.stringify(sample)}\n`)
  tell({ text: 'It is among the samples.' })
  change({ beside: 'samples' }, 'replace')
}
