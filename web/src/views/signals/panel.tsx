import { useEffect, useRef } from 'preact/hooks'
import { readSignal, type Signal } from '../../api/signals'
import { Key } from '../../parts/key'
import { Markdown } from '../../parts/markdown'
import { SeverityMark, StateMark } from '../../parts/marks'
import { Problem } from '../../parts/problem'
import { hasCome, InOrder, type Part } from '../../parts/in-order'
import { useAsk } from '../../state/ask'
import { useMay } from '../../state/session'
import { shown } from '../../state/text'
import { Events, useEvents } from './detail/events'
import { Facts } from './detail/facts'
import { Known, useKnown } from './detail/known'
import { Lead, useSummary } from './detail/lead'
import { Why, useWhy } from './detail/why'
import type { Doing } from './actions'

interface PanelProps {
  id: string
  /** As the list has it; undefined: the list does not have it. */
  row: Signal | undefined
  place: string
  onDo: (what: Doing) => void
  onRead: (s: Signal) => void
  close: () => void
}

/** Panel is a signal beside the list: painted from its row at once, then in full. */
export function Panel({ id, row, place, onDo, onRead, close }: PanelProps) {
  const detail = useAsk(id, (stop) => readSignal(id, stop))
  const body = useRef<HTMLDivElement>(null)
  useEffect(() => void body.current?.scrollTo(0, 0), [id])
  useEffect(() => {
    if (detail.value) onRead(detail.value.signal)
  }, [detail.value])
  const s = row ?? detail.value?.signal
  return (
    <aside class="panel" aria-label="Signal">
      <div class="panel-head">
        {s && <><SeverityMark severity={s.severity} /><StateMark state={s.state} assignee={s.assignee} reason={s.reason} comment={s.comment} /><span class="mut">{s.assignee === '' ? 'unassigned' : s.assignee}</span></>}
        <span class="grow" />
        <span class="mut">{place}</span>
        <a class="link" href={'/signals/' + id}>Full page <Key>↵</Key></a>
        <button onClick={close} aria-label="Close">×</button>
      </div>
      <div class="panel-body" ref={body} tabIndex={0}>
        {detail.error && <Problem error={detail.error} again={detail.again} />}
        {s && <PanelContent key={id} signal={s} message={detail.value?.signal.message ?? s.message} whole={!detail.asking || s.message !== ''} onDo={onDo} />}
      </div>
    </aside>
  )
}

/** PanelContent paints what the row has; whole says that the message is known, too. */
function PanelContent({ signal, message, whole, onDo }: { signal: Signal; message: string; whole: boolean; onDo: (what: Doing) => void }) {
  const summary = useSummary(signal)
  const why = useWhy(signal)
  const known = useKnown(signal)
  const events = useEvents(signal, 5, why)
  const parts: Part[] = [
    { id: 'why', ready: hasCome(why), content: <section key="why" class="part"><h2>Why it fired</h2><Why signal={signal} asked={why} brief /></section> },
    { id: 'known', ready: hasCome(known), content: <section key="known" class="part"><h2>What else is known</h2><Known asked={known} /></section> },
    { id: 'message', ready: whole, content: message !== '' && <section key="message" class="part"><h2>Message</h2><Markdown text={message} /></section> },
    { id: 'events', ready: hasCome(events), content: <section key="events" class="part"><h2>Events</h2><Events signal={signal} limit={5} asked={events} /></section> },
  ]
  return (
    <>
      <h1>{shown(signal.title)}</h1>
      <Lead asked={summary} />
      <Actions onDo={onDo} />
      <Facts signal={signal} />
      <InOrder parts={parts} />
    </>
  )
}

/** Actions are what an analyst does with a signal; each has its key. */
export function Actions({ onDo }: { onDo: (what: Doing) => void }) {
  const triage = useMay('triage')
  const configure = useMay('configure')
  return (
    <div class="actions">
      <button class="button main" disabled={triage !== ''} title={triage} onClick={() => onDo('triage')}>Triage <Key>e</Key></button>
      <button class="button" disabled={triage !== ''} title={triage} onClick={() => onDo('assign')}>Assign <Key>a</Key></button>
      <button class="button" disabled={configure !== ''} title={configure} onClick={() => onDo('suppress')}>Suppress <Key>s</Key></button>
      <button class="button" onClick={() => onDo('respond')}>Respond <Key>r</Key></button>
    </div>
  )
}
