"""Two nodes of one name, and a database whose copy lags behind, under load: each node must own its name and its log.

The load and the counts are those of `kill_nodes`. What happens to the nodes is, in turn:

- **clash**: a second node is started under the name of one that lives. It must leave with exit code 2 and a sentence;
- **takeover**: a node is stopped in its tracks and its sessions end; another one takes its name and its place. When
  the first one goes on, it must leave with exit code 4 and have written nothing more;
- **failover**: the newest events are taken out of the log, as by a copy that lagged behind, and every session ends.
  Every node must notice and leave with exit code 4. Started again, they serve on. What was taken out nobody can know.

    python loadtests/damage/clash_nodes.py --clashes 200 --failovers 200
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from interlock.loadtests.damage.kill_nodes import Scene, campaign
from interlock.loadtests.damage.storage_database import Database
from interlock.loadtests.processes.nodes import Node

LEAVES_S = 40.0
EXIT_USAGE, EXIT_ENDED = 2, 4
KEPT = "SELECT max(position) FROM event WHERE ends_batch AND position <= (SELECT max(position) FROM event) - %s"
TAKEN = "DELETE FROM event WHERE position > %s RETURNING type, data"
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'interlock'"
END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY(%s)"


class Disturbance:
    """Does the three in turn, as often as is wanted."""

    def __init__(self, url: str, folder: Path, clashes: int, failovers: int) -> None:
        self.url, self.folder, self.clashes, self.failovers = url, folder, clashes, failovers

    async def __call__(self, scene: Scene) -> None:
        """Disturb."""
        seen = scene.seen
        while seen.more["clashes"] + seen.more["takeovers"] < self.clashes or seen.more["failovers"] < self.failovers:
            await asyncio.sleep(scene.rng.uniform(1.0, 3.0))
            if seen.more["clashes"] + seen.more["takeovers"] < self.clashes:
                await (self.clash if seen.more["clashes"] <= seen.more["takeovers"] else self.takeover)(scene)
            if seen.more["failovers"] < self.failovers:
                await asyncio.sleep(scene.rng.uniform(1.0, 2.0))
                await self.failover(scene)
            print(f"  {dict(seen.more)}, {len(seen.acknowledged)} commands acknowledged", flush=True)

    def second(self, first: Node, scene: Scene) -> Node:
        """Return a node that calls itself as another one does."""
        folder = self.folder / f"second-{scene.seen.more.total()}"
        folder.mkdir(exist_ok=True)
        return Node(int(first.name[1:]), first.store, folder, first.flags)

    async def clash(self, scene: Scene) -> None:
        """Start a second node of a name that is taken."""
        second = self.second(scene.rng.choice(scene.nodes), scene)
        second.launch()
        code = await second.left(LEAVES_S)
        scene.seen.more["clashes"] += 1
        said = [line for line in second.said().splitlines() if line.startswith("interlock:")]
        if code != EXIT_USAGE or len(said) != 1 or "is called" not in said[0]:
            scene.seen.failures.append(f"a second {second.name} left with {code}: {said[-1:]}")
        second.kill()

    async def takeover(self, scene: Scene) -> None:
        """Let another node take the name of one that does not move."""
        place = scene.rng.randrange(len(scene.nodes))
        first = scene.nodes[place]
        second = self.second(first, scene)
        first.pause(True)
        await asyncio.to_thread(self._end, first)
        scene.nodes[place] = second
        scene.balancer.add(second)
        await second.start()
        scene.balancer.cut(first)
        first.pause(False)
        code = await first.left(LEAVES_S)
        scene.seen.more["takeovers"] += 1
        if code != EXIT_ENDED:
            scene.seen.failures.append(f"{first.name}, whose name was taken, left with {code}: {first.said()[-200:]}")
        first.kill()

    def _end(self, node: Node) -> None:
        """End a node's sessions, which are known by the ports of its sockets."""
        import psutil
        import psycopg

        assert node.process is not None
        ports = {one.laddr.port for one in psutil.Process(node.process.pid).net_connections("tcp") if one.laddr}
        with psycopg.connect(self.url, autocommit=True) as db:
            rows = db.execute("SELECT pid, client_port FROM pg_stat_activity WHERE client_port > 0").fetchall()
            db.execute(END, ([pid for pid, port in rows if port in ports],))

    async def failover(self, scene: Scene) -> None:
        """Let a copy that lagged behind take the place of the database."""
        lag = scene.rng.randint(1, 30)
        gone = await asyncio.to_thread(self._lag, lag)
        scene.seen.gone |= gone
        scene.seen.more["failovers"] += 1
        for node in scene.nodes:
            code = await node.left(LEAVES_S)
            scene.balancer.cut(node)
            if code != EXIT_ENDED:
                scene.seen.failures.append(f"{node.name} did not notice that the log went back: {code}")
            node.kill()
            await node.start()

    def _lag(self, lag: int) -> set[str]:
        """Take the newest events out, up to a commit's end, and end every session; return the commands among them."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute("SET search_path TO interlock")
            # Nobody appends in between: who waits for the lock is ended with it.
            db.execute("SELECT pg_advisory_lock(hashtextextended('interlock ' || current_schema(), 0))")
            row = db.execute(KEPT, (lag,)).fetchone()
            rows = db.execute(TAKEN, (row[0] if row and row[0] else 0,)).fetchall()
            db.execute("DELETE FROM snapshot")
            db.execute(END_ALL)
        return {json.loads(data)["command_id"] for kind, data in rows if kind.partition("/")[0] == "CommandRequested"}


async def run(wanted: argparse.Namespace, folder: Path) -> int:
    """Run it and return the exit code."""
    database = Database(folder / "database")
    try:
        port = await _on_tcp(database)
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        disturb = Disturbance(url, folder, wanted.clashes, wanted.failovers)
        return await campaign(wanted, url, folder, disturb)
    finally:
        with suppress(Exception):
            database.end()


async def _on_tcp(database: Database) -> int:
    """Let a database listen on a port of loopback, where each session is known by its port."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    await database.control("-m", "fast", "stop")
    host = database.url.rpartition("host=")[2]
    flags = f"-h 127.0.0.1 -p {port} -k {host}"
    await database.control("-o", flags, "start")
    return port


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description="Name clashes, takeovers and failovers under load.")
    parser.add_argument("--clashes", type=int, default=200, help="every second one is a takeover")
    parser.add_argument("--failovers", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args(words)
    wanted.postgres, wanted.kills = True, 0
    return wanted


def main() -> None:
    """Run."""
    wanted = arguments()
    with tempfile.TemporaryDirectory(prefix="interlock-clashes-") as folder:
        code = asyncio.run(run(wanted, Path(folder)))
    sys.exit(code)


if __name__ == "__main__":
    main()
