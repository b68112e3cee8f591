import { oneLine } from '../../../state/text'

/** Line is one that only the earlier text has, or only the later. */
export interface Line {
  sign: '-' | '+'
  text: string
}

/** lineDifferences are the lines in which two texts differ, by their longest common part. */
export function lineDifferences(before: string, after: string): Line[] {
  const [a, b] = [before.split('\n'), after.split('\n')]
  const width = b.length + 1
  const common = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number): number => common[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  }
  const out: Line[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) (i++, j++)
    else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) out.push({ sign: '-', text: a[i++] ?? '' })
    else out.push({ sign: '+', text: b[j++] ?? '' })
  }
  return out
}

/** LineDifferences shows them. */
export const LineDifferences = ({ of }: { of: Line[] }) => (
  <pre class="sample-differs" tabIndex={0}>{of.map((l, n) => <span key={n} class={l.sign === '-' ? 'critical' : 'good'}>{l.sign} {oneLine(l.text, 600)}{'\n'}</span>)}</pre>
)
