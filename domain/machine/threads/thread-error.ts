import { SamMilError, type ErrorCode } from '../../errors.js';

/** An error on its way between threads, which it crosses without its class: code and text go apart. */
export interface ThreadError {
  code?: ErrorCode;
  message: string;
}

export function toThreadError(error: unknown): ThreadError {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof SamMilError ? { code: error.code, message } : { message };
}

/** The error again, on the other side; its message is complete already. */
export function fromThreadError({ code, message }: ThreadError): Error {
  return code ? new SamMilError(code, message) : new Error(message);
}
