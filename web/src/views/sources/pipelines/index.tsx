import { Nothing } from '../../../parts/keep'
import { Known } from '../../../parts/keep'
import { readPipeline } from '../../../api/pipeline-documents'
import { APIError } from '../../../api/client'
import { useAddress } from '../../../state/address'
import { useAsk } from '../../../state/ask'
import { PipelineEditor } from './editor'
import { PipelineList } from './list'

/** Pipelines bring lines to fields: their list, and each in an editor. */
export default function Pipelines({ which }: { which: string | undefined }) {
  return which === undefined ? <PipelineList /> : which === 'new' ? <New /> : <One key={which} id={which} />
}

/** New begins with what the address says of it: a source, and a search for events to try it on. */
function New() {
  const { query } = useAddress()
  const source = query.get('source') ?? ''
  return <PipelineEditor stored={undefined} begin={begin(source)} samples={query.get('samples') ?? ''} again={() => undefined} />
}

const begin = (source: string): string => `name: ${JSON.stringify(source || 'mine')}
filter: {query: ${JSON.stringify(source === '' ? 'source:mine' : `source:${/^[\w.-]+$/.test(source) ? source : JSON.stringify(source)}`)}}
processors:
  - type: grok-parser
    source: message
    grok:
      match_rules: |
        line %{data:text}
`

function One({ id }: { id: string }) {
  const stored = useAsk('pipeline ' + id, (stop) => readPipeline(id, stop), 'keep')
  if (stored.error instanceof APIError && stored.error.status === 404 && stored.value === undefined) {
    return <Nothing title="There is no such pipeline"><p>It may have been deleted: then it can be restored.</p><p class="keep-actions"><a class="button" href="/sources/pipelines?show=deleted">Those that were deleted</a><a class="button" href="/sources/pipelines">All pipelines</a></p></Nothing>
  }
  return <Known of={stored}>{(p) => <PipelineEditor key={p.version} stored={p} begin={p.text} samples={p.query} again={stored.again} />}</Known>
}
