import { APIError } from '../api/client'

/** Problem tells an error in its own place, and offers to try again. */
export function Problem({ error, again }: { error: Error; again?: (() => void) | undefined }) {
  const lacks = error instanceof APIError && error.status === 403
  return (
    <div class="problem" role="alert">
      <p>{lacks ? `This needs more than you may: ${error.message}` : error.message}</p>
      <p class="small mut">
        {again && !lacks && <button class="link" onClick={again}>Try again</button>}
        {error instanceof APIError && error.requestID !== '' && <span>request <code>{error.requestID}</code></span>}
      </p>
    </div>
  )
}
