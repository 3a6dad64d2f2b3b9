/** What a person did that a Discord client would not let them do; told as `{error}`. */
export class PersonError extends Error {
  override name = 'PersonError';
  readonly status: number;

  constructor(message: string, status = 422, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
