import numpy as np
import pytest
import torch
from worlds import box, core_at, halved_box

from megastep.env.aiming import Aim, bearings, in_sight
from megastep.world import rendering
from megastep.world.cameras import Cameras
from megastep.world.rendering import View

WIDE = Cameras(res=90, fov=90, subsample=2)
HALL = box(1, 1, 21, 5, spawns=[(2 + i, 3) for i in range(8)])


def aimed(core, cameras=WIDE, **options):
    """Whom each agent has within its aim."""
    aim = Aim(core, cameras, **options)
    aim.observe(rendering.render(core, cameras, per_ray=True))
    return aim.targets.tolist()


def facing(bearing, *, distance=3.0, **options):
    """Two agents, the first facing +x and the second so many degrees to the left of that."""
    radians = np.radians(bearing)
    places = [(5, 3), (5 + distance * np.cos(radians), 3 + distance * np.sin(radians))]
    return core_at([HALL], [places], [[0, 0]], **options)


@pytest.mark.parametrize('bearing, hit', [(0, True), (4.5, True), (-4.5, True), (8, False), (-8, False), (180, False)])
def test_an_aim_reaches_to_either_side(bearing, hit):
    assert aimed(facing(bearing), degrees=5)[0][0] == (1 if hit else -1)


@pytest.mark.parametrize('distance, hit', [(1, True), (3.9, True), (4.2, False)])
def test_an_aim_has_a_range(distance, hit):
    assert aimed(facing(0, distance=distance), max_range=4)[0][0] == (1 if hit else -1)


def test_an_aim_of_no_width_is_that_of_the_middle_rays():
    assert aimed(facing(0), degrees=0)[0][0] == 1
    assert aimed(facing(2.5), degrees=0)[0][0] == -1
    for rays, middle in ((7, [3, 3]), (8, [3, 4])):
        aim = Aim(facing(0), Cameras(res=rays, subsample=1), degrees=0)
        assert [aim.first, aim.last] == middle


def test_the_agent_nearest_to_the_middle_is_aimed_at():
    core = core_at([HALL], [[(5, 3), (8, 3.25), (9, 2.9)]], [[0, 180, 180]])
    assert aimed(core, degrees=10)[0] == [2, 0, 0]


def test_walls_protect():
    core = core_at([halved_box()], [[(2, 2.5), (4, 2.5)], [(2, 1.5), (4, 1.5)]], [[0, 180]] * 2)
    assert aimed(core, degrees=1) == [[-1, -1], [1, 0]]


def test_an_aim_is_along_the_first_camera():
    ring = Cameras(res=20, fov=90, subsample=2, mounts=((0, 0, 180), (0, 0, 0)))
    core = core_at([HALL], [[(5, 3), (8, 3)]], [[180, 0]])
    assert aimed(core, ring)[0] == [1, 0]
    rig = {'rear': Cameras(res=20, fov=90, mounts=((0, 0, 180),)), 'front': WIDE}
    assert aimed(core, rig)[0] == [1, 0]


def test_an_aim_agrees_with_every_ray():
    torch.manual_seed(0)
    places, angles = torch.rand(40, 5, 2) * torch.tensor([17.0, 3]) + torch.tensor([2.0, 1.5]), torch.rand(40, 5) * 360
    core = core_at([HALL], places, angles)
    view = rendering.render(core, WIDE, per_ray=True)
    aim = Aim(core, WIDE, degrees=12, max_range=6)
    aim.observe(view)
    for lines, distances, target in zip(
        view.lines.reshape(-1, 180).tolist(), view.distances.reshape(-1, 180), aim.targets.flatten(), strict=True
    ):
        found = [
            (abs(bearing), line // 8)
            for bearing, line, distance in zip(bearings(WIDE), lines, distances, strict=True)
            if abs(bearing) <= 12 and 0 <= line < 40 and distance <= 6
        ]
        nearest = min(found, default=(0, -1))
        assert target in [agent for off_middle, agent in found or [nearest] if off_middle < nearest[0] + 1e-9]
    assert (aim.targets >= 0).sum() > 20
    assert torch.equal(in_sight(core, view), ((view.lines >= 0) & (view.lines < 40)).any(-1).any(-1))


@pytest.mark.parametrize(
    'options, message',
    [
        ({'degrees': -1}, 'aim must be from 0 to half the field of view, 45, got -1'),
        ({'degrees': 46}, 'aim must be from 0 to half the field of view, 45, got 46'),
        ({'max_range': 0}, 'max_range must be above 0 m and finite, got 0'),
        ({'max_range': np.inf}, 'max_range must be above 0 m and finite, got inf'),
    ],
)
def test_rejects_impossible_aims(options, message):
    with pytest.raises(ValueError, match=message):
        Aim(facing(0), WIDE, **options)


@pytest.mark.parametrize('rig', [WIDE, {'front': WIDE, 'rear': Cameras(res=3, mounts=((0, 0, 180),))}])
@pytest.mark.parametrize('degrees', [0, 12])
def test_an_aim_asks_for_its_rays_alone(rig, degrees):
    torch.manual_seed(0)
    places, angles = torch.rand(40, 3, 2) * torch.tensor([17.0, 3]) + torch.tensor([2.0, 1.5]), torch.rand(40, 3) * 360
    core = core_at([HALL], places, angles)
    whole, some = Aim(core, rig, degrees=degrees), Aim(core, rig, degrees=degrees)
    whole.observe(rendering.render(core, rig, per_ray=True))
    view = rendering.render(core, rig, per_ray=some.per_ray)
    some.observe(view)
    assert torch.equal(some.targets, whole.targets) and (some.targets >= 0).any()
    front = view['front'] if isinstance(view, dict) else view
    assert (front.first_ray, front.lines.shape[3]) == (some.first, some.last + 1 - some.first)


def test_an_aim_needs_all_of_its_rays():
    core = facing(0)
    aim = Aim(core, WIDE, degrees=5)
    for rays, got in (
        (slice(0, aim.last), f'0 to {aim.last - 1}'),
        (slice(aim.first + 1, 180), f'{aim.first + 1} to 179'),
    ):
        with pytest.raises(ValueError, match=f'view must have rays {aim.first} to {aim.last}, got {got}'):
            aim.observe(rendering.render(core, WIDE, per_ray=rays))


@pytest.mark.parametrize('rays', [slice(3, 3), slice(180, 190), slice(0, 10, 2), slice(None, None, -1)])
def test_rays_are_a_slice_of_those_there_are(rays):
    with pytest.raises(ValueError, match='per_ray must be a slice of the 180 rays, one next to another, got slice'):
        rendering.render(facing(0), WIDE, per_ray=rays)


def test_an_aim_needs_rays():
    core = facing(0)
    view = rendering.render(core, WIDE)
    for use in (Aim(core, WIDE).observe, lambda view: in_sight(core, view)):
        with pytest.raises(ValueError, match='view must have lines and distances, got none'):
            use(view)
    assert isinstance(view, View)
