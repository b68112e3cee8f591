import { useState } from 'preact/hooks'
import { APIError } from '../../api/client'
import { readStandings, readSuppression, type Draft, type Suppression } from '../../api/suppressions'
import { Known } from '../../parts/keep'
import { useAddress } from '../../state/address'
import { useAsk } from '../../state/ask'
import { useZone, zoneOf } from '../../state/time'
import { oneLine } from '../../state/text'
import { Editor, useEditor } from './editor'
import { Head } from './head'
import { Hidden } from './hidden'
import { History } from './history'
import { Would } from './would'

/** SuppressionPage is one that is stored. */
export function SuppressionPage({ id }: { id: string }) {
  const asked = useAsk(id, (stop) => readSuppression(id, stop))
  if (asked.error instanceof APIError && asked.error.status === 404 && !asked.value) {
    return (
      <main class="keeping-alone">
        <h1>There is no suppression {oneLine(id, 80)}</h1>
        <p>It was deleted, or never was. What a deleted one hid stays hidden. <a class="link" href="/suppressions">Show all</a></p>
      </main>
    )
  }
  return asked.value ? <Stored stored={asked.value} put={(s) => asked.put(() => s)} /> : <main class="keeping-alone"><Known of={asked}>{() => null}</Known></main>
}

function Stored({ stored, put }: { stored: Suppression; put: (s: Suppression) => void }) {
  const zone = zoneOf(useZone())
  const editor = useEditor(stored, stored, put)
  const standing = useAsk(`${stored.id} ${stored.version} ${zone}`, (stop) => readStandings(zone, stored.id, stop), 'keep')
  return (
    <main class="keeping-page">
      <Head stored={stored} put={put} standing={standing.value?.of.get(stored.id)} editor={editor} />
      <div class="keeping-columns">
        <section class="keeping-form" aria-label="The suppression" tabIndex={0}><Editor editor={editor} standing={standing.value?.of.get(stored.id)} /></section>
        <section class="keeping-beside" aria-label="What it hides" tabIndex={0}>
          <Hidden stored={stored} standings={standing} />
          <Would draft={editor.draft} faulty={editor.faulty} stored={stored} changed={editor.changed} />
          <History stored={stored} />
        </section>
      </div>
    </main>
  )
}

/** NewSuppression is one that is not stored yet; /suppressions/new?rule=ID&query=Q begins it. */
export function NewSuppression() {
  const { query } = useAddress()
  const [draft] = useState<Draft>(() => ({
    name: query.get('name') ?? '', description: '', enabled: true, ruleQuery: query.get('rule') ? `id:${query.get('rule')}` : '', query: query.get('query') ?? '', exclusion: '',
    from: undefined, until: Date.now() + 7 * 864e5, tags: [],
  }))
  const editor = useEditor(undefined, draft, () => undefined)
  return (
    <main class="keeping-page">
      <Head stored={undefined} put={() => undefined} standing={undefined} editor={editor} />
      <div class="keeping-columns">
        <section class="keeping-form" aria-label="The suppression" tabIndex={0}><Editor editor={editor} standing={undefined} /></section>
        <section class="keeping-beside" aria-label="What it hides" tabIndex={0}><Would draft={editor.draft} faulty={editor.faulty} stored={undefined} changed /></section>
      </div>
    </main>
  )
}
