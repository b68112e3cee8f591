// Marks of a plot: what has a time and a value by itself, with a sign that says by its form what it is.
import type uPlot from 'uplot'
import type { PlotSeries } from '../plot'

/** Sign is the form of a mark. */
export type Sign = NonNullable<PlotSeries['sign']>

interface Drawn extends PlotSeries {
  colour: string
  on: boolean
}

/** drawMarks draws those of all series that are shown; the one of a number is drawn larger. */
export function drawMarks(u: uPlot, series: readonly Drawn[], token: (name: string) => string, over: number | undefined): void {
  const { ctx } = u
  ctx.save()
  ctx.beginPath()
  ctx.rect(u.bbox.left - 6 * devicePixelRatio, u.bbox.top, u.bbox.width + 12 * devicePixelRatio, u.bbox.height)
  ctx.clip()
  for (const s of series) {
    if (!s.on) continue
    ctx.fillStyle = ctx.strokeStyle = token(s.colour)
    s.values.forEach((v, i) => v !== null && drawSign(ctx, s.sign ?? 'dot', u.valToPos(u.data[0][i] ?? 0, 'x', true), u.valToPos(v, 'y', true), devicePixelRatio * (i === over ? 1.7 : 1)))
  }
  ctx.restore()
}

function drawSign(ctx: CanvasRenderingContext2D, sign: Sign, x: number, y: number, unit: number): void {
  const arm = 3.6 * unit
  ctx.lineWidth = 2 * unit
  ctx.beginPath()
  switch (sign) {
    case 'plus':
      ctx.moveTo(x - arm, y); ctx.lineTo(x + arm, y); ctx.moveTo(x, y - arm); ctx.lineTo(x, y + arm)
      return ctx.stroke()
    case 'cross':
      ctx.moveTo(x - arm, y - arm); ctx.lineTo(x + arm, y + arm); ctx.moveTo(x - arm, y + arm); ctx.lineTo(x + arm, y - arm)
      return ctx.stroke()
    case 'dot':
    case 'point':
      ctx.arc(x, y, (sign === 'dot' ? 2.6 : 1.5) * unit, 0, 2 * Math.PI)
      return ctx.fill()
  }
}

const near = 24

/** nearest is the number of the mark that the pointer is at; undefined: none is near. */
export function nearest(u: uPlot, series: readonly Drawn[]): number | undefined {
  const { left, top } = u.cursor
  if (left === undefined || top === undefined || left < 0) return undefined
  let best: number | undefined
  let least = near * near
  for (const s of series) {
    if (!s.on) continue
    s.values.forEach((v, i) => {
      if (v === null) return
      const [dx, dy] = [u.valToPos(u.data[0][i] ?? 0, 'x') - left, u.valToPos(v, 'y') - top]
      if (dx * dx + dy * dy < least) [best, least] = [i, dx * dx + dy * dy]
    })
  }
  return best
}

/** logRange has all values, and the thresholds, with room around them. */
export function logRange(least: number | null, most: number | null, thresholds: readonly { value: number }[]): [number, number] {
  const values = [least ?? 1, most ?? 1, ...thresholds.map((t) => t.value)].filter((v) => v > 0)
  return [Math.min(1, ...values) / 1.25, Math.max(2, ...values) * 1.5]
}

/** isDecade is true of 0.1, 1, 10, 100. */
export const isDecade = (v: number): boolean => Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-9
