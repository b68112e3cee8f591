import { readPipelineVersions, restorePipeline, type PipelineVersion, type StoredPipeline } from '../../../api/pipeline-documents'
import { Known } from '../../../parts/keep'
import { change, useAddress } from '../../../state/address'
import { useAsk } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { age, wholeTime } from '../../../state/time'
import { plural } from '../../../state/text'
import { LineDifferences, lineDifferences } from './line-differences'

/** Versions are how a pipeline became what it is; an earlier one can be made the next. */
export function Versions({ stored, again }: { stored: StoredPipeline; again: () => void }) {
  const lacks = useMay('configure')
  const { query } = useAddress()
  const open = Number(query.get('version') ?? 0)
  const versions = useAsk(`versions ${stored.id} ${stored.version}`, (stop) => readPipelineVersions(stored.id, stop), 'keep')
  const restore = async (v: PipelineVersion) => {
    try {
      await restorePipeline(stored.id, v.version)
      tell({ text: `v${v.version} is in force again, as v${stored.version + 1}.` })
      again()
    } catch (e) {
      tell({ text: `Not restored: ${(e as Error).message}`, failed: true })
    }
  }
  return (
    <Known of={versions}>
      {(all) => (
        <ol class="pipeline-versions">
          {all.map((v, i) => {
            const before = all[i + 1]
            const lines = before ? lineDifferences(before.text, v.text) : []
            return (
              <li key={v.version}>
                <button aria-expanded={open === v.version} onClick={() => change({ version: open === v.version ? undefined : String(v.version) }, 'replace')}>
                  <code class="hi">v{v.version}</code> <span>{!before ? 'the first' : v.deleted ? 'deleted' : lines.length === 0 ? 'switched, or the same' : plural(lines.length, 'line')}{i === 0 && ', in force'}</span> <span class="mut small" title={wholeTime(v.at)}>{age(v.at)} ago</span>
                </button>
                {open === v.version && (
                  <div>
                    {!before ? <pre class="try-raw" tabIndex={0}>{v.text}</pre> : lines.length === 0 ? <p class="small mut">The documents say the same.</p>
                      : <LineDifferences of={lines} />}
                    {i > 0 && !stored.builtIn && !v.deleted && <p class="keep-actions"><button class="button" disabled={lacks !== ''} title={lacks} onClick={() => void restore(v)}>Restore v{v.version}</button></p>}
                  </div>
                )}
              </li>
            )
          })}
        </ol>
      )}
    </Known>
  )
}
