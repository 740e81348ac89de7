/** The bundle that ships: the app itself answers. */
export async function startMock(): Promise<void> {}
