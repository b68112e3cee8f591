/** scaleOf is how far an axis goes that has a value on it, and the one or two round numbers that are marked. */
export function scaleOf(most: number): { top: number; marks: number[] } {
  const power = 10 ** Math.floor(Math.log10(most))
  const step = [0.5, 1, 2, 5].map((n) => n * power).find((n) => most / n <= 2.9) ?? 5 * power
  const marks = [1, 2].map((n) => n * step).filter((m) => m <= most && (step >= 1 || Number.isInteger(m)))
  return { top: most * 1.12, marks }
}
