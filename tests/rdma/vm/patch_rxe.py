"""Makes Soft-RoCE work in network namespaces: patch_rxe.py rxe_net.c

Up to at least 6.12 it opens its UDP port and looks up routes in the first namespace only. Here a device belongs to the namespace of
its interface, uses its routes, and opens the port there, as long as the namespace lasts.
"""

import re
import sys

LISTEN = """static int rxe_ns_listen(struct net *net)
{
	struct socket *sk4, *sk6;
	int i, err = 0;

	if (net_eq(net, &init_net))
		return 0;
	mutex_lock(&rxe_ns_lock);
	for (i = 0; i < rxe_ns_n; i++)
		if (rxe_ns[i].net == net)
			goto out;
	if (rxe_ns_n == RXE_NS_MAX) { err = -ENOSPC; goto out; }
	sk4 = rxe_setup_udp_tunnel(net, htons(ROCE_V2_UDP_DPORT), false);
	if (IS_ERR(sk4)) { err = PTR_ERR(sk4); goto out; }
	sk6 = rxe_setup_udp_tunnel(net, htons(ROCE_V2_UDP_DPORT), true);
	if (IS_ERR(sk6))
		sk6 = NULL;
	rxe_ns[rxe_ns_n].net = net; rxe_ns[rxe_ns_n].sk4 = sk4; rxe_ns[rxe_ns_n].sk6 = sk6;
	rxe_ns_n++;
out:
	mutex_unlock(&rxe_ns_lock);
	return err;
}

"""
SOCKETS = """#define RXE_NS_MAX 128
static struct { struct net *net; struct socket *sk4, *sk6; } rxe_ns[RXE_NS_MAX];
static int rxe_ns_n;
static DEFINE_MUTEX(rxe_ns_lock);

"""
# The next namespace may come to lie where one has been.
CLOSE = """static void __net_exit rxe_ns_exit(struct net *net)
{
	int i;

	mutex_lock(&rxe_ns_lock);
	for (i = 0; i < rxe_ns_n; i++) {
		if (rxe_ns[i].net != net)
			continue;
		rxe_release_udp_tunnel(rxe_ns[i].sk4);
		rxe_release_udp_tunnel(rxe_ns[i].sk6);
		rxe_ns[i] = rxe_ns[--rxe_ns_n];
		break;
	}
	mutex_unlock(&rxe_ns_lock);
}
static struct pernet_operations rxe_ns_ops = { .exit = rxe_ns_exit };

"""


class Source:
    def __init__(self, path):
        with open(path) as file:
            self.text = file.read()

    def replace(self, pattern, replacement):
        self.text, count = re.subn(pattern, lambda match: match.expand(replacement), self.text, count=1, flags=re.DOTALL)
        if count == 0:
            sys.exit(f"patch_rxe.py: this kernel's source has no {pattern!r}")


def main():
    source = Source(sys.argv[1])
    # As it is allocated, before it is registered: moving it later would lose its QP 1, and with it rdma_cm.
    source.replace(
        r"(\b(rxe) = ib_alloc_device\(.*?\);\n\tif \(!\2\)\n\t\treturn [-A-Z]+;\n)",
        r"\1\twrite_pnet(&rxe->ib_dev.coredev.rdma_net, dev_net(ndev));\n",
    )
    source.replace(r"ip_route_output_key\(&init_net, &fl\)", r"ip_route_output_key(dev_net(ndev), &fl)")
    source.replace(
        r"ipv6_dst_lookup_flow\(sock_net\(recv_sockets\.sk6->sk\),\s*recv_sockets\.sk6->sk, &fl6,",
        r"ipv6_dst_lookup_flow(dev_net(ndev), NULL, &fl6,",
    )
    source.replace(r"(?=static void rxe_release_udp_tunnel\(struct socket \*sk\))", SOCKETS.replace("\\", "\\\\"))
    source.replace(r"(?=int rxe_net_add\()", (LISTEN + CLOSE).replace("\\", "\\\\"))
    source.replace(
        r"(int rxe_net_add\([^)]*\)\s*\{.*?\n\n)",
        r"\1\terr = rxe_ns_listen(dev_net(ndev));\n\tif (err)\n\t\treturn err;\n\n",
    )
    source.replace(
        r"(int rxe_net_init\(void\)\s*\{\n\tint err;\n\n)",
        r"\1\terr = register_pernet_subsys(&rxe_ns_ops);\n\tif (err)\n\t\treturn err;\n\n",
    )
    source.replace(r"(err = rxe_net_ipv4_init\(\);\n\tif \(err\)\n\t\t)return err;", r"\1goto err_out;")
    source.replace(r"(void rxe_net_exit\(void\)\s*\{\n)", r"\1\tunregister_pernet_subsys(&rxe_ns_ops);\n")
    with open(sys.argv[1], "w") as file:
        file.write(source.text)


main()
