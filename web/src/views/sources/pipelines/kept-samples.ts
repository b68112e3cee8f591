import { readSamples } from '../../../api/pipeline-samples'
import type { Previewed } from '../../../api/pipelines'
import { change } from '../../../state/address'
import { createStore, useStore } from '../../../state/store'
import { tell } from '../../../state/done'

/** Samples that are being written, by the pipeline that they are of; they live until they are kept, or the page is left. */
const drafts = createStore<Record<string, string>>({})

/** useDraft is what is being written; undefined: nothing is. Of a pipeline that is new the id is empty. */
export const useDraft = (id: string): string | undefined => useStore(drafts)[id]
export const draftOf = (id: string): string | undefined => drafts.get()[id]
export function putDraft(id: string, text: string | undefined): void {
  const { [id]: _, ...others } = drafts.get()
  drafts.set(text === undefined ? others : { ...others, [id]: text })
}

/** withSample is a text with one more sample, written as those before it are. */
export function withSample(before: string, id: string, sample: unknown): string {
  if (before.trim() === '') return `pipeline: ${JSON.stringify(id || 'draft')}\nsamples:\n- ${JSON.stringify(sample)}\n`
  const indent = /^samples:[^\n]*\n(?:\s*#[^\n]*\n|\s*\n)*( *)- /m.exec(before)?.[1] ?? ''
  return `${before.trimEnd()}\n${indent}- ${JSON.stringify(sample)}\n`
}

/** addSample adds what a line became to the samples: it has to become that again. */
export async function addSample(id: string, input: { line: string; source: string }, d: Previewed): Promise<void> {
  const { nightjar: _, ...attributes } = d.after.attributes
  const sample = { name: input.line.slice(0, 60), input: input.line, ...(input.source === '' ? {} : { source: input.source }), result: { status: d.after.status, has: attributes } }
  try {
    const before = draftOf(id) ?? (id === '' ? '' : (await readSamples(id)).text)
    putDraft(id, withSample(before, id, sample))
    tell({ text: 'It is among the samples, which are not kept yet.' })
    change({ beside: 'samples' }, 'replace')
  } catch (e) {
    tell({ text: `No sample was made: ${(e as Error).message}`, failed: true })
  }
}
