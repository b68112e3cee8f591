import { complete } from '../../../api/search'
import { useAsk } from '../../../state/ask'

/** useFieldNames are fields that events of the last days have, to be offered; none where they can't be asked. */
export function useFieldNames(): string[] {
  const asked = useAsk('names', (stop) => complete('events', '', '', { query: '*', from: 'now-7d', to: '' }, stop))
  return (asked.value ?? []).map((c) => c.text.replace(/:$/, ''))
}
