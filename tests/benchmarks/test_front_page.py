"""The README's table: drawn from reports, and up to date."""

import json

from benchmarks import front_page


def test_the_readme_has_what_was_measured_last():
    (table,) = front_page.PLACE.findall(front_page.README.read_text())
    assert table == front_page.drawn(), 'Draw it anew: python -m benchmarks.front_page'


def test_each_env_has_its_fastest_steps_beside_the_same_houses(tmp_path):
    houses = {'sweep': 'record', 'maps': 'houses', 'agents': 1, 'walls': 160.0}
    reports = {
        ('step', '2026-01-01'): [
            {'env': env, 'envs': 64, 'walls': 160.0, 'rays': 64, 'steps/s': 9e6} for env in ('A', 'Left out later')
        ],
        ('step', '2026-01-02'): [
            {'env': 'A', 'envs': envs, 'walls': 160.0, 'rays': 64, 'steps/s': speed}
            for envs, speed in ((64, 1e6), (1024, 3e6), (4096, 2e6))
        ]
        + [{'env': 'Deathmatch', 'envs': 8, 'walls': 36.0, 'rays': 64, 'steps/s': 5e3}],
        ('render', '2026-01-01'): [{**houses, 'envs': 1024, 'rays': rays, 'render/s': 1e6 * rays} for rays in (64, 32)],
        ('physics', '2026-01-01'): [{**houses, 'envs': envs, 'physics/s': 1e6 * envs} for envs in (64, 1024)],
    }
    for (subject, date), rows in reports.items():
        about = {'subject': subject, 'device': 'Some Processor, 2 cores', 'date': date, 'commit': f'c{date[-1]}'}
        report = {**about, 'rows': rows}
        (tmp_path / f'{subject}-{date}.json').write_text(json.dumps(report))
    assert list(front_page.rows(tmp_path)) == [
        ['2 CPU cores', 'A', '1,024', '160', '64', '3 M', 'c2', '64 M', '1.02 G'],
        ['2 CPU cores', 'Left out later', '64', '160', '64', '9 M', 'c1', '', '64 M'],
        ['2 CPU cores', 'Deathmatch', '8 x 4', '36', '64', '5 k', 'c2', '', ''],
    ]


def test_only_the_table_is_replaced(tmp_path):
    path = tmp_path / 'README.md'
    path.write_text('# A\n\n<!-- benchmarks: begin -->\nold\n<!-- benchmarks: end -->\n\nend\n')
    front_page.main(path)
    before, table, after = path.read_text().partition(front_page.drawn())
    assert table and before.endswith('begin -->\n') and after == '<!-- benchmarks: end -->\n\nend\n'
