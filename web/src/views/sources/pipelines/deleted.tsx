import { useState } from 'preact/hooks'
import { listDeleted, restorePipeline, type DeletedPipeline } from '../../../api/pipeline-documents'
import { Known, Nothing } from '../../../parts/keep'
import { Listing, type Cell } from '../../../parts/listing'
import { go, pathOf } from '../../../state/address'
import { useAsk } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { age, dayAndClock, useZone, zoneName } from '../../../state/time'
import { oneLine } from '../../../state/text'

/** Deleted are the pipelines that were deleted, and can be restored with their versions and samples. */
export function Deleted({ fits, again }: { fits: (name: string) => boolean; again: () => void }) {
  const deleted = useAsk('deleted pipelines', listDeleted, 'keep')
  const lacks = useMay('configure')
  const zone = useZone()
  const [doing, setDoing] = useState('')
  const restore = async (d: DeletedPipeline) => {
    setDoing(d.id)
    try {
      await restorePipeline(d.id, 0)
      tell({ text: `${oneLine(d.name, 80)} is there again, and in force if it was on.` })
      again()
      go(pathOf(['sources', 'pipelines', d.id]))
    } catch (e) {
      tell({ text: `It was not restored: ${(e as Error).message}`, failed: true })
    }
    setDoing('')
  }
  const cells: Cell<DeletedPipeline>[] = [
    { title: 'Pipeline', cell: (d) => <><b class="hi">{oneLine(d.name, 120)}</b>{d.broken !== '' && <span class="small critical"> {oneLine(d.broken, 300)}</span>}</> },
    { title: 'It read', minor: true, cell: (d) => <code class="pipeline-reads">{oneLine(d.query, 160)}</code> },
    { title: 'Deleted', cell: (d) => <span class="sure" title={`${dayAndClock(d.at, zone)} ${zoneName(zone)}`}>{age(d.at)} ago</span> },
    { title: 'Do', cell: (d) => <button class="link" disabled={lacks !== '' || doing !== ''} title={lacks} onClick={() => void restore(d)}>Restore<span class="unseen"> {oneLine(d.name, 80)}</span></button> },
  ]
  return (
    <Known of={deleted}>
      {(all) => {
        const rows = all.filter((d) => fits(`${d.name} ${d.id} ${d.query}`))
        if (rows.length === 0) return <Nothing title={all.length === 0 ? 'No pipeline was deleted' : 'No deleted pipeline is so'}><p>One that is deleted stays here with its versions and samples.</p><p class="keep-actions"><a class="button" href="/sources/pipelines">All pipelines</a></p></Nothing>
        return (
          <>
            <p class="place-lead">They read nothing any more. Their versions and samples are kept; who deleted one is in the <a class="link" href="/operation/audit">audit log</a>.</p>
            <Listing name="Deleted pipelines" cells={cells} rows={rows} keyOf={(d) => d.id} />
            {lacks !== '' && <p class="small mut">Restoring {lacks}.</p>}
          </>
        )
      }}
    </Known>
  )
}
