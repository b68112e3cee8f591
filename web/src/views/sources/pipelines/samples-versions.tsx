import { useState } from 'preact/hooks'
import { readSamplesVersions } from '../../../api/pipeline-samples'
import { Known } from '../../../parts/keep'
import { useAsk } from '../../../state/ask'
import { age, wholeTime } from '../../../state/time'
import { plural } from '../../../state/text'
import { putDraft } from './kept-samples'
import { LineDifferences, lineDifferences } from './line-differences'

/** SamplesVersions are how samples became what they are; an earlier text can be taken up again. */
export function SamplesVersions({ id, version }: { id: string; version: number }) {
  const [open, setOpen] = useState(0)
  const versions = useAsk(`samples ${id} ${version}`, (stop) => readSamplesVersions(id, stop), 'keep')
  return (
    <Known of={versions}>
      {(all) => (
        <ol class="pipeline-versions" aria-label="Versions of the samples">
          {all.map((v, i) => {
            const before = all[i + 1]
            const lines = before ? lineDifferences(before.text, v.text) : []
            return (
              <li key={v.version}>
                <button aria-expanded={open === v.version} onClick={() => setOpen(open === v.version ? 0 : v.version)}>
                  <code class="hi">samples v{v.version}</code> <span>{!before ? 'the first' : v.text === '' ? 'ended' : plural(lines.length, 'line')}{i === 0 && ', kept now'}</span> <span class="mut small" title={wholeTime(v.at)}>{age(v.at)} ago</span>
                </button>
                {open === v.version && (
                  <div>
                    {!before ? <pre class="try-raw" tabIndex={0}>{v.text}</pre> : <LineDifferences of={lines} />}
                    {i > 0 && <p class="keep-actions"><button class="button" onClick={() => putDraft(id, v.text)}>Take these up again</button></p>}
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
