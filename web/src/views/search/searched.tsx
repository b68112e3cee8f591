import { useState } from 'preact/hooks'
import type { EventPage } from '../../api/events'
import type { Pages } from '../../state/pages'
import { plural } from '../../state/text'
import { dayAndMinutes, duration, momentOf, useZone, zoneName, type Range } from '../../state/time'

/** Searched is the time of which the rows are, as far as it is known. */
export interface Searched {
  of: string
  from: number
  to: number
}

/** useSearched is kept as pages come that say of which time they are. */
export function useSearched(key: string) {
  const [searched, setSearched] = useState<Searched | undefined>()
  return {
    searched: searched?.of === key ? searched : undefined,
    /** note says of which time a page is; the first forgets those of another question. */
    note: (page: EventPage, first: boolean) => setSearched((s) => {
      const before = first || s?.of !== key ? undefined : s
      if (!page.searched) return before
      const { from, to } = page.searched
      return { of: key, from: Math.min(from, before?.from ?? from), to: Math.max(to, before?.to ?? to) }
    }),
  }
}

/** CutShort says, of a list that somebody cancelled, of which time it is, and goes on from there. */
export function CutShort({ list, searched, range }: { list: Pages<{ id: string }>; searched: Searched | undefined; range: Range }) {
  const zone = useZone()
  if (!list.cancelled) return null
  if (list.old || list.at === 0 || !searched) {
    return (
      <div class="bar stale" role="status">
        Cancelled. {list.old && list.rows.length > 0 ? 'You see what the search before found.' : list.old || list.rows.length === 0 ? 'No row came.' : `${plural(list.rows.length, 'row')} came.`} <button class="link" onClick={list.again}>Ask again</button>
      </div>
    )
  }
  const [from, to] = [range.from === '' ? undefined : momentOf(range.from), momentOf(range.to)]
  const share = from === undefined || to === undefined ? '' : ` ${duration(searched.to - searched.from)} of ${duration(to - from)},`
  return (
    <div class="bar stale" role="status">
      Cancelled. These are of{share} {dayAndMinutes(searched.from, zone)} to {dayAndMinutes(searched.to, zone)} {zoneName(zone)}. <button class="link" onClick={list.goOn}>Go on</button>
    </div>
  )
}
