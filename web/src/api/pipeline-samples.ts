import { call } from './client'
import { testOf, type PipelineTest } from './pipeline-documents'

/** PipelineSamples are what a pipeline has to make of lines: YAML. */
export interface PipelineSamples {
  text: string
  /** 0: none were ever kept. */
  version: number
  /** In milliseconds since 1970; 0: never. */
  at: number
  /** They ship, and are not kept. */
  builtIn: boolean
}

interface Body {
  text?: string
  version?: number
  updated_at?: string
  is_built_in?: boolean
}

const at = (id: string) => `/api/nightjar/v1/pipelines/${encodeURIComponent(id)}/samples`
const samplesOf = (b: Body): PipelineSamples => ({ text: b.text ?? '', version: b.version ?? 0, at: Date.parse(b.updated_at ?? '') || 0, builtIn: b.is_built_in ?? false })

export const readSamples = async (id: string, signal?: AbortSignal): Promise<PipelineSamples> => samplesOf(await call<Body>(at(id), signal ? { signal } : {}))

/** keepSamples keeps a text in the place of the version that it was made of, and says what came of each sample. */
export async function keepSamples(id: string, text: string, version: number): Promise<PipelineTest[]> {
  const b = await call<{ tests?: Partial<PipelineTest>[] }>(at(id), { method: 'PUT', body: { text, version } })
  return (b.tests ?? []).map(testOf)
}

/** readSamplesVersions are all versions, the newest first. */
export async function readSamplesVersions(id: string, signal: AbortSignal): Promise<PipelineSamples[]> {
  return ((await call<{ data?: Body[] }>(at(id) + '/versions', { signal })).data ?? []).map(samplesOf)
}
