import { useForm } from './context'
import { ChoiceField, NumberField, SpanField, YesField, optionsOf } from './fields'
import { anomalyLearning, buckets, limits, windows, type Limited } from './limits'
import { methodOf, windowless } from './methods'
import { textAt, valueAt } from './place'

/** Limited is a number with the limits of its place. */
function LimitedField({ at, ...more }: { at: Limited; label: string; unit: string; note?: string }) {
  return <NumberField at={at} {...more} {...limits[at]} />
}

/** MethodOptions are what a method asks for besides queries and cases. */
export function MethodOptions() {
  const { rule } = useForm()
  switch (methodOf(rule)) {
    case 'new_value': return <NewValue />
    case 'anomaly_detection': return <Anomaly />
    case 'content_anomaly': return <Content />
    case 'impossible_travel': return <Travel />
    case 'hardcoded': return <ChoiceField label="Evaluator" at="options.hardcodedEvaluatorType" of={optionsOf(['log4shell'])} />
    default: return null
  }
}

function NewValue() {
  const { rule } = useForm()
  const place = 'options.newValueOptions'
  const byThreshold = textAt(rule, place + '.learningMethod') === 'threshold'
  return (
    <>
      <ChoiceField label="Learns" at={place + '.learningMethod'} of={[{ value: 'duration', text: 'for a time' }, { value: 'threshold', text: 'from a number of events' }]} usual="for a time" />
      {byThreshold
        ? <LimitedField label="Learns from" at={`${place}.learningThreshold`} unit="events of a group" note="Those are silent; 0 is as 1." />
        : <LimitedField label="Learns for" at={`${place}.learningDuration`} unit="days of a group" note="0: only the first value is silent." />}
      <LimitedField label="Forgets after" at={`${place}.forgetAfter`} unit="days without it" />
      <YesField label="Learns from stored events at once" at={place + '.instantaneousBaseline'} note="What was there before the rule was made is known to it." />
    </>
  )
}

function Anomaly() {
  const place = 'options.anomalyDetectionOptions'
  return (
    <>
      <SpanField label="Counts in" at={place + '.bucketDuration'} of={buckets} usual="5 min" note="Buckets of time, from round moments." />
      <SpanField label="Learns for" at={place + '.learningDuration'} of={anomalyLearning} each={3_600_000} usual="1 day" note="A group with less history than that gives nothing." />
      <LimitedField label="Tolerates" at={`${place}.detectionTolerance`} unit="1 strict, 5 wide" />
      <LimitedField label="Before that" at={`${place}.learningPeriodBaseline`} unit="or more is an anomaly" note="Of a group that is still learned; empty: nothing is." />
      <YesField label="Learns from stored events at once" at={place + '.instantaneousBaseline'} note="Two weeks from before the rule was made." />
      <YesField label="New groups are judged by the others" at={place + '.peerBaseline'} note="Nightjar’s own: a group without a past of its own has that of the rule’s other groups." />
    </>
  )
}

function Content() {
  const place = 'options.contentAnomalyOptions'
  return (
    <>
      <LimitedField label="Similar is" at={`${place}.similarityPercentage`} unit="% of the words in common" />
      <LimitedField label="Usual from" at={`${place}.similarItems`} unit="similar earlier texts on" />
      <LimitedField label="Learns for" at={`${place}.learningDuration`} unit="days of a group" />
      <LimitedField label="Forgets after" at={`${place}.forgetAfter`} unit="days" />
    </>
  )
}

function Travel() {
  const { rule } = useForm()
  const place = 'options.impossibleTravelOptions'
  return (
    <>
      <YesField label="Learns usual places" at={place + '.baselineUserLocations'} note="A city and country that a user was at before never match. Forgotten after 30 days." />
      {valueAt(rule, place + '.baselineUserLocations') === true && <LimitedField label="Learns for" at={`${place}.baselineUserLocationsDuration`} unit="days of a user" />}
      <YesField label="Addresses that often change places count" at={place + '.detectIpTransition'} />
    </>
  )
}

/** Spans are the evaluation window, and how long a signal goes on. */
export function Spans() {
  const { rule } = useForm()
  const method = methodOf(rule)
  if (method === 'third_party') return <p class="mut small rule-add">A group’s alerts of 24 hours are one signal.</p>
  return (
    <>
      <div class="rule-spans">
        {!windowless.includes(method) && method !== 'anomaly_detection' && <SpanField label="Within" at="options.evaluationWindow" of={windows} usual="one event" />}
        <SpanField label="Keep alive" at="options.keepAlive" of={windows} usual="as within" zero="not at all" />
        <SpanField label="At most" at="options.maxSignalDuration" of={windows} usual="1 day" zero="one moment" />
      </div>
      <p class="mut small rule-note rule-add">A match within keep alive after the last goes on with its signal, which lasts at most so long.</p>
    </>
  )
}
