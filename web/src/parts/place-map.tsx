import { useEffect, useState } from 'preact/hooks'
import { oneLine } from '../state/text'

/** PlaceMap is a point in the part of the world around it. */
export function PlaceMap({ latitude, longitude, name }: { latitude: number; longitude: number; name: string }) {
  const [land, setLand] = useState('')
  useEffect(() => void import('../made/world').then((m) => setLand(m.land)), [])
  const [width, height] = [64, 22]
  const x = Math.max(-180, Math.min(180 - width, longitude - width / 2))
  const y = Math.max(-84, Math.min(84 - height, -latitude - height / 2))
  return (
    <svg class="place-map" viewBox={`${x} ${y} ${width} ${height}`} role="img" aria-label={'On a map: ' + oneLine(name || `${latitude.toFixed(1)}, ${longitude.toFixed(1)}`, 120)}>
      <path class="land" d={land} />
      <path class="stop-ring" d={`M${longitude} ${-latitude}v0.01`} />
    </svg>
  )
}
