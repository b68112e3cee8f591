import type { Rule } from '../../api/rules'

type Options = NonNullable<Rule['options']>
type Kind = 'number' | 'yes' | string[]

/** What a method asks for besides: where it stands, and its fields with their units. */
const known: Record<string, { place: string; fields: [name: string, label: string, kind: Kind][] }> = {
  new_value: {
    place: 'newValueOptions', fields: [
      ['learningMethod', 'Learns by', ['duration', 'threshold']], ['learningDuration', 'Learns for, days', 'number'], ['learningThreshold', 'Learns from, values', 'number'],
      ['forgetAfter', 'Forgets after, days', 'number'], ['instantaneousBaseline', 'Learns from history at once', 'yes'],
    ],
  },
  anomaly_detection: {
    place: 'anomalyDetectionOptions', fields: [
      ['bucketDuration', 'Counts in, s', 'number'], ['learningDuration', 'Learns for, hours', 'number'], ['detectionTolerance', 'Tolerates, 1 to 5', 'number'],
      ['learningPeriodBaseline', 'Learns from, events', 'number'], ['instantaneousBaseline', 'Learns from history at once', 'yes'], ['peerBaseline', 'New groups judged by the others', 'yes'],
    ],
  },
  impossible_travel: {
    place: 'impossibleTravelOptions', fields: [
      ['baselineUserLocations', 'Learns usual places', 'yes'], ['baselineUserLocationsDuration', 'Learns for, days', 'number'], ['detectIpTransition', 'New addresses count', 'yes'],
    ],
  },
}

/** MethodOptions are what a method asks for besides queries and cases. */
export function MethodOptions({ method, options, set }: { method: string; options: Options; set: (name: string, value: unknown) => void }) {
  const of = known[method]
  if (!of) return null
  const now = (options[of.place] as Record<string, unknown> | undefined) ?? {}
  const put = (name: string, value: unknown) => {
    const { [name]: _, ...rest } = now
    set(of.place, value === undefined ? rest : { ...rest, [name]: value })
  }
  return (
    <>
      {of.fields.map(([name, label, kind]) => (
        <div key={name} class="rule-field">
          <label class="mut" for={'option-' + name}>{label}</label>
          <div><Option id={'option-' + name} kind={kind} value={now[name]} put={(v) => put(name, v)} /></div>
        </div>
      ))}
    </>
  )
}

function Option({ id, kind, value, put }: { id: string; kind: Kind; value: unknown; put: (v: unknown) => void }) {
  if (kind === 'yes') return <input id={id} type="checkbox" checked={value === true} onChange={(e) => put(e.currentTarget.checked)} />
  if (kind === 'number') {
    return <input id={id} class="field rule-number" type="number" value={typeof value === 'number' ? value : ''} onInput={(e) => put(e.currentTarget.value === '' ? undefined : Number(e.currentTarget.value))} />
  }
  return (
    <select id={id} class="field" value={String(value ?? '')} onChange={(e) => put(e.currentTarget.value === '' ? undefined : e.currentTarget.value)}>
      {['', ...kind].map((k) => <option key={k} value={k}>{k === '' ? 'not said' : k}</option>)}
    </select>
  )
}
