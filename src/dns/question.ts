import { optRecord } from './records.ts';
import { CLASS, type DnsMessage, OPCODE } from './types.ts';

/** A query of our own for one name, recursion desired, with EDNS. Its id is 0: whoever sends it sets one. */
export function questionMessage(name: string, type: number): DnsMessage {
  return {
    id: 0,
    response: false,
    opcode: OPCODE.QUERY,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled: false,
    rcode: 0,
    questions: [{ name, type, class: CLASS.IN }],
    answers: [],
    authorities: [],
    additionals: [optRecord()],
  };
}
