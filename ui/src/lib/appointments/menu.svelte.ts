import type { AppointmentRow } from '$lib/bindings';

/** One menu for all rows and blocks: thirty of their own would make every scroll slower. */
class RowMenuState {
  row = $state.raw<AppointmentRow | undefined>();
  anchor = $state.raw<HTMLElement | undefined>();
  open = $state(false);

  show(row: AppointmentRow, anchor: HTMLElement): void {
    this.row = row;
    this.anchor = anchor;
    this.open = true;
  }
}

export const rowMenu = new RowMenuState();
