// Hello world through cppzmq, both sides in one process, over tcp.
#include "who.h"

#include <zmq.hpp>

#include <iostream>
#include <string>
#include <thread>

int main ()
{
    who ("C++ program");
    zmq::context_t context;
    zmq::socket_t server (context, zmq::socket_type::rep);
    server.set (zmq::sockopt::rcvtimeo, 20000);
    server.bind ("tcp://127.0.0.1:*");
    const std::string endpoint = server.get (zmq::sockopt::last_endpoint);
    std::thread answering ([&server] {
        zmq::message_t request;
        if (server.recv (request))
            server.send (zmq::buffer ("World for " + request.to_string ()),
                         zmq::send_flags::none);
    });
    zmq::message_t reply;
    {
        zmq::socket_t client (context, zmq::socket_type::req);
        client.set (zmq::sockopt::rcvtimeo, 20000);
        client.connect (endpoint);
        client.send (zmq::buffer (std::string ("Hello C++")), zmq::send_flags::none);
        if (!client.recv (reply))
            std::cerr << "no reply\n";
    }
    answering.join ();
    std::cout << "C++ program: got " << reply.to_string () << std::endl;
    return reply.to_string () == "World for Hello C++" ? 0 : 1;
}
